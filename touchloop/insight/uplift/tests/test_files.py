"""Experiments in files; the published one where its folder is named."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from touchloop.core.errors import Invalid
from touchloop.insight.uplift import api, reading, reporting
from touchloop.insight.uplift.experiment import Experiment
from touchloop.insight.uplift.tests.worlds import drawn


@pytest.fixture
def file(tmp_path: Path) -> Path:
    data, _true = drawn(2_500)
    path = tmp_path / "trial.csv"
    lines = ["id,arm,age,sex,visit,spend"]
    for row in range(data.n):
        arm = "mail" if data.treated[row] else "none"
        sex = "f" if row % 2 else "m"
        lines.append(
            f"{row},{arm},{data.features[row, 0]:.1f},{sex},{data.outcome[row]:.0f},"
            f"{data.outcome[row] * 12.5}"
        )
    path.write_text("\n".join(lines))
    return path


def test_a_file_is_told_apart(file: Path) -> None:
    found = api.fit_uplift_file(
        file, treatment="arm", outcome="visit", control="none", by=("sex",), seeds=2
    )
    mail = found["contrasts"]["mail"]
    assert set(found["refused"]) == {"id", "spend"}
    assert found["features"] == ["age", "sex = f", "sex = m"]
    assert [each["label"] for each in mail["subgroups"]] == ["sex f", "sex m"]
    effect = mail["effect"]
    assert effect["value"] == found["arms"]["mail"]["mean"] - found["arms"]["none"]["mean"]
    assert effect["low"] < effect["value"] < effect["high"]
    assert found["policy"]["best_single"] in found["arms"]
    assert mail["learners"]["s"]["qini_areas"]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"treatment": "colour"}, "no column 'colour'"),
        ({"control": "nobody"}, "is no value of arm: 'mail', 'none'"),
        ({"outcome": "sex"}, "not a number"),
        ({"treatment": "age", "control": "20.0"}, "is no value of age"),
        ({"by": ("age",)}, "no column of few values"),
        ({"ignore": ("what",)}, "no column 'what'"),
        ({"treatment": "visit", "control": "0"}, "is the treatment itself"),
    ],
)
def test_what_cannot_be_used_is_refused(file: Path, change: dict[str, str], word: str) -> None:
    given = {"treatment": "arm", "outcome": "visit", "control": "none", **change}
    with pytest.raises(Invalid, match=word):
        api.fit_uplift_file(file, **given)  # type: ignore[arg-type]


def test_hillstrom_exactly() -> None:
    """The MineThatData e-mail challenge (64,000 customers): arms and subgroups, no model."""
    folder = os.environ.get("TOUCHLOOP_DATASETS", "")
    path = Path(folder) / "hillstrom" / "hillstrom.csv.gz"
    if not folder or not path.exists():
        pytest.skip("TOUCHLOOP_DATASETS names no folder with hillstrom/hillstrom.csv.gz")
    tried = reading.experiment(path, treatment="segment", outcome="visit", control="No E-Mail")
    assert set(tried.refused) == {"conversion", "spend"}
    rates = [tried.outcome[tried.arms == arm].mean() for arm in range(3)]
    assert tried.labels == ["No E-Mail", "Mens E-Mail", "Womens E-Mail"]
    assert rates == pytest.approx([0.106167, 0.182757, 0.151400], abs=5e-7)
    rows = (tried.arms == 0) | (tried.arms == 2)
    data = Experiment(
        "women", tried.features[rows], tried.names, tried.arms[rows] == 2, tried.outcome[rows]
    )
    groups = {name: values[rows] for name, values in tried.groups.items()}
    found = {
        each["label"]: round(100 * each["value"], 2)
        for each in reporting.subgroups(data, groups, by=("mens", "womens"))
    }
    assert found == {
        "mens 1, womens 0": 1.11, "mens 0, womens 1": 7.40, "mens 1, womens 1": 7.11
    }  # fmt: skip
    assert np.bincount(tried.arms).tolist() == [21_306, 21_307, 21_387]


def few(folder: Path, head: str, row: str, *, encoding: str = "utf-8") -> Path:
    """A file of forty rows; ARM, Y and N stand for what differs."""
    rows = [
        row.replace("ARM", "mail" if n % 2 else "none").replace("Y", str(n % 3 // 2))
        .replace("N", f"{n * 7 % 11}.5")
        for n in range(40)
    ]  # fmt: skip
    path = folder / "few.csv"
    path.write_bytes("\n".join([head, *rows]).encode(encoding))
    return path


@pytest.mark.parametrize(
    ("head", "row", "word"),
    [
        ("arm,x,x,visit", "ARM,1,N,Y", "names a column twice: x"),
        ("arm,x,visit", "ARM,,Y", "no column"),
        ("arm,x,visit", "ARM,N,1e308", "beyond 1e.100"),
    ],
)
def test_odd_columns_are_a_word(tmp_path: Path, head: str, row: str, word: str) -> None:
    with pytest.raises(Invalid, match=word):
        api.fit_uplift_file(
            few(tmp_path, head, row), treatment="arm", outcome="visit", control="none"
        )


def test_yes_and_no_are_an_outcome(tmp_path: Path) -> None:
    file = few(tmp_path, "arm,x,visit", "ARM,N,Y")
    head, *rows = file.read_text().splitlines()
    said = [row[:-1] + ("Yes" if row.endswith("1") else "No") for row in rows]
    file.write_text("\n".join([head, *said]))
    found = api.fit_uplift_file(file, treatment="arm", outcome="visit", control="none")
    assert found["arms"]["mail"]["sum"] == sum(row.startswith("mail") for row in rows
                                               if row.endswith("1"))  # fmt: skip
    file.write_text("\n".join([head, *(f"arm{n},1,{n % 2}" for n in range(40))]))
    with pytest.raises(Invalid, match="2 to 10 are compared"):
        api.fit_uplift_file(file, treatment="arm", outcome="visit", control="arm1")


def test_what_is_empty_or_without_end_is_not_learned_from(tmp_path: Path) -> None:
    file = few(tmp_path, "arm,größe,leer,viel,visit", "ARM,N,,1e308,Y", encoding="latin-1")
    found = api.fit_uplift_file(file, treatment="arm", outcome="visit", control="none")
    assert found["features"] == ["größe"]
    assert found["refused"]["leer"] == "it holds nothing"
    assert set(found["refused"]) == {"leer", "viel"}
