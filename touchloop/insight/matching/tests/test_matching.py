"""The whole way, on lists whose truth is known."""

from __future__ import annotations

import csv
import gzip
import os
import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from touchloop.core.errors import Invalid
from touchloop.insight.matching import api, learning
from touchloop.insight.matching.tests import hard_people

NOW = datetime(2026, 3, 2, tzinfo=UTC)
DATA = Path(__file__).parent / "data"


@pytest.fixture(autouse=True)
def few_random_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "RANDOM_PAIRS", 60_000)


def matched(path: Path, *left_out: str) -> tuple[api.Matched, NDArray[np.int64]]:
    """What is found without its id and its truth (the last of `left_out`), and the truth."""
    conn = api.connect()
    headings = api.read(conn, path)
    names = [name for name in headings if name not in left_out]
    found = api.match(conn, api.RAW, names, rows=api.rows_of(conn), now=NOW)
    known: dict[str, int] = {}
    truth = [known.setdefault(value, len(known)) for value in api.values(conn, left_out[-1])]
    return found, np.array(truth, dtype=np.int64)


def test_fake_1000_reaches_what_is_published_and_joins_nobody_wrongly(tmp_path: Path) -> None:
    file = tmp_path / "fake_1000.csv"
    file.write_bytes(gzip.decompress((DATA / "fake_1000.csv.gz").read_bytes()))
    found, truth = matched(file, "unique_id", "cluster")
    people = api.of_clusters(found.clustered.labels, truth)
    assert people.f1 >= 0.95
    assert people.precision >= 0.99
    assert any("another birth date" in words for words in found.words)  # too dirty to forbid
    assert {rule.name for rule in found.rules} >= {"email", "born", "both names"}


def test_families_twins_and_namesakes_stay_apart(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    with file.open("w", newline="") as out:
        csv.writer(out, delimiter=";").writerows(
            [hard_people.COLUMNS, *hard_people.rows(people=220, seed=11)]
        )
    found, truth = matched(file, "id", "truth")
    people = api.of_clusters(found.clustered.labels, truth)
    plain = api.of_clusters(api.components(found.linked.a, found.linked.b, found.records), truth)
    assert people.precision >= 0.95
    assert people.recall >= 0.9
    assert people.precision >= plain.precision
    assert found.pairs.against.any()


def people_with_many_records(*, people: int, records: int, seed: int) -> list[list[str]]:
    """Names of a small pool, so that many people share one; each record with slips and gaps."""
    chance = random.Random(seed)
    found = []
    for number in range(people):
        given, surname = chance.choice(hard_people.GIVEN), chance.choice(hard_people.SURNAME)
        day = date(1940, 1, 1) + timedelta(chance.randrange(22_000))
        said = [given, surname, day.isoformat(), f"{given}.{surname}{number}@mail.example"]
        for _ in range(records):
            row = [
                hard_people._slip(cell, chance) if (roll := chance.random()) < 0.12
                else "" if roll < 0.27 else cell
                for cell in said
            ]  # fmt: skip
            found.append([*row, str(number)])
    chance.shuffle(found)
    return found


def test_people_with_many_records_are_found_and_not_joined(tmp_path: Path) -> None:
    """No rule is narrow here: each person alone brings hundreds of pairs."""
    file = tmp_path / "people.csv"
    with file.open("w", newline="") as out:
        csv.writer(out).writerows(
            [["given_name", "family_name", "birth_date", "mail", "who"],
             *people_with_many_records(people=40, records=25, seed=1)]
        )  # fmt: skip
    found, truth = matched(file, "who")
    people = api.of_clusters(found.clustered.labels, truth)
    assert people.precision >= 0.99
    assert people.recall >= 0.9


def test_families_without_any_second_record_stay_apart(tmp_path: Path) -> None:
    """Nobody is there twice: what would be learned as the same person is the family."""
    file = tmp_path / "people.csv"
    once = {row[-1]: row for row in hard_people.rows(people=300, seed=5, slips=0.05)}
    with file.open("w", newline="") as out:
        csv.writer(out).writerows([hard_people.COLUMNS, *once.values()])
    found, _ = matched(file, "id", "truth")
    assert found.clustered.labels.max() + 1 >= 0.95 * len(once)


@pytest.mark.skipif(
    "TOUCHLOOP_DATASETS" not in os.environ, reason="TOUCHLOOP_DATASETS names no folder of data sets"
)
def test_febrl3_reaches_what_is_published(tmp_path: Path) -> None:
    lines = (Path(os.environ["TOUCHLOOP_DATASETS"]) / "febrl3" / "dataset3.csv").read_text()
    rows = [[cell.strip() for cell in row] for row in csv.reader(lines.splitlines())]
    file = tmp_path / "febrl3.csv"
    with file.open("w", newline="") as out:
        csv.writer(out).writerows(
            [[*row, "truth" if at == 0 else row[0].split("-")[1]] for at, row in enumerate(rows)]
        )
    found, truth = matched(file, "rec_id", "truth")
    assert api.of_pairs(found.linked.a, found.linked.b, truth).f1 >= 0.995
    assert api.of_clusters(found.clustered.labels, truth).f1 >= 0.995


@pytest.mark.parametrize(
    "text",
    [
        "name,email\n",
        "name,email\nAna,ana@x.example\n",
        "name,email\nAna,ana@x.example\nBen,ben@y.example\n",
        "surname\nMeyer\nMeyer\nKoch\n",
        "dob\n1980-01-01\n1980-01-01\n1990-02-02\n",
        "record,name,email\n1,Ana,ana@x.example\n2,Ben,ben@x.example\n",
        "name,email\n" + "Ana,ana@x.example\n" * 9,
    ],
)
def test_few_records_give_each_its_own_or_say_why(tmp_path: Path, text: str) -> None:
    file = tmp_path / "few.csv"
    file.write_text(text)
    conn = api.connect()
    names = api.read(conn, file)
    rows = api.rows_of(conn)
    try:
        found = api.match(conn, api.RAW, names, rows=rows, now=NOW)
    except Invalid as wrong:
        assert "people apart" in wrong.message or "fewer than two" in wrong.message
    else:
        assert len(found.clustered.labels) == rows
        assert found.words
