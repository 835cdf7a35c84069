"""The colour pairs that pages use, read from the tokens, meet WCAG AA in both themes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TOKENS = Path(__file__).resolve().parent.parent / "frontend" / "css" / "tokens.css"
PAIR = re.compile(r"--([a-z0-9-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);")
GROUNDS = ("paper", "surface", "sunken", "hover", "selected")
TEXT_ON_GROUND = [(ink, ground) for ink in ("ink", "ink-2") for ground in GROUNDS]
TEXT = [
    *TEXT_ON_GROUND,
    *[("ink-3", ground) for ground in ("paper", "surface", "sunken")],
    *[("accent", ground) for ground in GROUNDS],
    *[("danger", ground) for ground in ("paper", "surface")],
    *[(tone, f"{tone}-wash") for tone in ("record", "engage", "experience", "danger")],
    ("ink-2", "neutral-wash"),
    ("ink", "neutral-wash"),
    ("on-accent", "accent"),
    ("on-accent", "accent-hover"),
    ("on-danger", "danger"),
    ("paper", "ink"),
]
SHAPES = [
    *[("line-control", ground) for ground in ("paper", "surface")],
    *[("focus", ground) for ground in GROUNDS],
    *[(tone, "surface") for tone in ("record", "engage", "experience", "danger")],
]


def tokens() -> dict[str, tuple[str, str]]:
    return {name: (light, dark) for name, light, dark in PAIR.findall(TOKENS.read_text())}


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_measure_itself() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=0.001)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), TEXT)
def test_text_can_be_read(ink: str, ground: str, theme: int) -> None:
    known = tokens()
    assert contrast(known[ink][theme], known[ground][theme]) >= 4.5


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("shape", "ground"), SHAPES)
def test_controls_and_marks_can_be_seen(shape: str, ground: str, theme: int) -> None:
    known = tokens()
    assert contrast(known[shape][theme], known[ground][theme]) >= 3.0
