"""What other rooms may call."""

from __future__ import annotations

from datetime import datetime

from touchloop.insight.likeness.contrast import (
    FALSE_DISCOVERY,
    HELD,
    SIDES,
    TRAITS,
    WINDOW,
    Contrast,
    Difference,
    contrast,
)
from touchloop.insight.likeness.keeping import Asked, ask, asked, compare_waiting
from touchloop.insight.likeness.lookalikes import PREFIX, kind_of, kinds, retire
from touchloop.insight.likeness.people import COUNTS, HABIT, KNOWN
from touchloop.insight.likeness.thresholds import Reach, reach, rule_for
from touchloop.lake.api import Analysis

_YEAR: dict[str, object] = {"since": datetime(2025, 11, 22), "now": datetime(2026, 11, 22)}
_TWO: dict[str, object] = {"one": 1, "other": 2}

# With example values: each runs on every engine with equal results.
ANALYSES: tuple[tuple[Analysis, dict[str, object]], ...] = (
    (SIDES, _TWO),
    (HELD, {**_TWO, **_YEAR, "fewest": 1}),
    (TRAITS, _TWO),
    (COUNTS, {**_YEAR, "fewest": 1}),
    (HABIT, _YEAR),
    (KNOWN, {}),
)

__all__ = [
    "ANALYSES", "FALSE_DISCOVERY", "PREFIX", "WINDOW", "Asked", "Contrast", "Difference", "Reach",
    "ask", "asked", "compare_waiting", "contrast", "kind_of", "kinds", "reach", "retire",
    "rule_for",
]  # fmt: skip
