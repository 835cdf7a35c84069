"""`basket`: the JSON object, and one clear line for what cannot be read."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from touchloop.cli import app


def called(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["touchloop", "basket", *arguments])
    with pytest.raises(SystemExit) as left:
        app.main()
    return int(left.value.code or 0)


def test_baskets_become_one_object(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "baskets.csv"
    path.write_text("bread,milk\nbread,milk\nbread, milk\nbread,milk\nbread\n", encoding="utf-8")
    given = (str(path), "--support", "40%", "--confidence", "4/5", "--json")
    assert called(monkeypatch, *given) == 0
    found = json.loads(capfd.readouterr().out)
    assert {key: found[key] for key in ("baskets", "items", "entries", "support_count")} == {
        "baskets": 5, "items": 2, "entries": 9, "support_count": 2
    }  # fmt: skip
    assert (found["itemsets"], found["rules"]) == (3, 2)  # bread -> milk is exactly four fifths
    pair = found["pairs"][0]
    assert (pair["a"], pair["b"], pair["both"], pair["lift"]) == ("bread", "milk", 4, 1.0)
    assert found["words"] and found["seconds"] >= 0
    assert {(*each["items"], each["baskets"]) for each in found["all_sets"]} == {
        ("bread", 5), ("milk", 4), ("bread", "milk", 4)
    }  # fmt: skip
    assert found["all_rules"] == found["top_rules"] and len(found["all_rules"]) == 2
    assert called(monkeypatch, *given, "--listed", "1") == 0
    found = json.loads(capfd.readouterr().out)
    assert (found["itemsets"], len(found["all_sets"]), len(found["all_rules"])) == (3, 1, 1)
    assert "3 sets are counted, the first 1 are listed" in found["words"]


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("a,b\n", ("--support", "0")), ("a,b\n", ("--support", "1.5")),
        ("a,b\n", ("--support", "lots")), ("a,b\n", ("--confidence", "0")), ("", ()),
        ("a,b\n", ("--separator", "both")), (None, ()),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
    text: str | None, options: tuple[str, ...],
) -> None:  # fmt: skip
    path = tmp_path / "baskets.csv"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    assert called(monkeypatch, str(path), *options, "--json") == 2
    said = capfd.readouterr()
    assert said.out == "" and said.err.count("\n") == 1 and said.err.startswith("touchloop: ")
