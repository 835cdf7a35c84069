"""Any file: what it is, what is wrong with it in one sentence, and the command line."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from typer.testing import CliRunner

from touchloop.cli.app import app
from touchloop.core.errors import Invalid, WrongSetting
from touchloop.insight.scores.churn.from_file import fit_file


def rows(*, delimiter: str = ",", dated: bool = False) -> str:
    chance = random.Random(1)
    lines = [delimiter.join(("who", "as of", "months", "plan", "left"))]
    for n in range(300):
        months, plan = chance.randrange(60), chance.choice(("basic", "gold"))
        left = chance.random() < (0.7 if months < 20 else 0.15)
        at = f"2026-{1 + n // 60:02}-01" if dated else "2026-01-01"
        lines.append(delimiter.join((f"k{n}", at, str(months), plan, "yes" if left else "no")))
    return "\n".join(lines) + "\n"


def test_the_command_prints_one_object_and_nothing_else(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "contracts.csv"
    file.write_text(rows(delimiter=";", dated=True))
    asked = ["fit", "churn", str(file), "--target", "left", "--id", "who", "--time", "as of"]
    answer = CliRunner().invoke(app, [*asked, "--json"])
    assert answer.exit_code == 0, answer.output
    found = json.loads(capfd.readouterr().out)
    assert found["positive"] == "yes" and found["rows"] == 300
    assert found["validation"].startswith("out of time")
    assert set(found["models"]) == {"logit", "lightgbm"}
    assert found["features"]["used"] == ["months", "plan"]
    assert found["models"][found["chosen"]]["auc"] > 0.6
    assert len(found["examples"][0]["reasons"]) == 2
    assert found["baseline"]["majority_class"]["accuracy"] > 0.5 and found["seconds"] > 0


@pytest.mark.parametrize(
    ("content", "more", "word"),
    [
        (b"", {}, "is empty"),
        (b"a,b\n", {"target": "b"}, "holds nothing"),
        (b"a,a\n1,2\n", {}, "twice"),
        (b"a,b\n1,2\n3\n", {"target": "b"}, "no table"),
        (rows().encode(), {"target": "gone"}, "there is no 'gone'"),
        (rows().encode(), {"target": "months"}, "say which is meant"),
        (rows().encode(), {"positive": "maybe"}, "never 'maybe'"),
        (rows().encode(), {"time": "plan"}, "holds no dates"),
        (rows().encode(), {"id": "left"}, "left is the target itself"),
        (rows().encode(), {"time": "left"}, "left is the target itself"),
        (rows().encode(), {"after": ["months", "plan"], "id": "who"}, "no column is left"),
        ("größe,left\n1,ja\n2,nein\n".encode("latin-1"), {}, "at least 10"),
    ],
)
def test_what_cannot_be_learned_from_gets_one_sentence(
    tmp_path: Path, content: bytes, more: dict[str, object], word: str
) -> None:
    file = tmp_path / "any.csv"
    file.write_bytes(content)
    with pytest.raises(Invalid, match=word):
        fit_file(file, **{"target": "left", **more})  # type: ignore[arg-type]


def test_the_command_says_what_is_wrong_with_the_call(tmp_path: Path) -> None:
    answer = CliRunner().invoke(app, ["fit", "churn", str(tmp_path / "no.csv"), "--target", "x"])
    assert isinstance(answer.exception, WrongSetting), "main() ends with 2 and this one line"
    assert "cannot be read" in str(answer.exception)


def test_numbers_without_end_are_unknown(tmp_path: Path) -> None:
    """1e308 is a number whose square is none: scikit-learn refuses it with a trace."""
    lines = ["months,odd,left"]
    lines += [f"{n % 9},{1e308 if n % 3 else n % 7},{n * n % 10 < 4}" for n in range(120)]
    (file := tmp_path / "any.csv").write_text("\n".join(lines))
    found = fit_file(file, target="left", folds=2)
    assert found["features"]["used"] == ["months", "odd"]
    assert all(0 <= model["auc"] <= 1 for model in found["models"].values())
