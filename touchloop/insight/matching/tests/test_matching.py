"""The whole way, on lists whose truth is known."""

from __future__ import annotations

import csv
import gzip
import os
from datetime import UTC, datetime
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
    assert people.f1 >= 0.91
    assert people.precision >= 0.98
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
        assert "tells people apart" in wrong.message
    else:
        assert len(found.clustered.labels) == rows
        assert found.words
