"""What other rooms may call."""

from __future__ import annotations

from datetime import datetime

from touchloop.insight.models.api import Kind
from touchloop.insight.paths.attribution import Attribution, Credit, attribute
from touchloop.insight.paths.kind import COUNT, GOALS, KIND, NAME, REACHED, SILENCE, TOUCHES
from touchloop.lake.api import Analysis

KINDS: tuple[Kind, ...] = (KIND,)

_YEAR: dict[str, object] = {"since": datetime(2025, 11, 22), "now": datetime(2026, 11, 22)}
_GOALS: dict[str, object] = dict(zip("abcd", GOALS, strict=True))

# With example values: each runs on every engine with equal results.
ANALYSES: tuple[tuple[Analysis, dict[str, object]], ...] = (
    (COUNT, _YEAR),
    (REACHED, {**_YEAR, **_GOALS}),
    (TOUCHES, {**_YEAR, **_GOALS, "goal": GOALS[0]}),
)

__all__ = [
    "ANALYSES", "GOALS", "KINDS", "NAME", "SILENCE", "Attribution", "Credit", "attribute",
]  # fmt: skip
