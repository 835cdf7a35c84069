"""Figures are rounded, not cut."""

from __future__ import annotations

import pytest

from touchloop.console.ui import words


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.1236, "12.4 %"), (0.12349, "12.3 %"), (0.9996, "100.0 %"), (1, "100 %"), (0, "0 %"),
     (-0.0567, "-5.7 %"), (None, "–")],
)  # fmt: skip
def test_percent(value: float | None, said: str) -> None:
    assert words.percent(value) == said


def test_short() -> None:
    assert words.short(1_990_000) == "2.0M"
    assert words.short(123_999_999) == "124M"
