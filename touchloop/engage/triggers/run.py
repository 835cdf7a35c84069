"""A run on its way through the steps, as the engine holds it while it is claimed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

WAITING, DONE, SKIPPED, FAILED = "waiting", "done", "skipped", "failed"


@dataclass(slots=True, eq=False)
class Run:
    """One claimed row of `trigger_runs`; what changes here is written at the end of the turn."""

    id: int
    version: int
    subject_id: int
    customer_id: int
    step: int
    due_at: datetime
    held_out: bool
    reached: bool
    attempts: int
    stored: str
    state: str = WAITING
    reason: str = ""
    acted_at: datetime | None = None
    withdraw_until: datetime | None = None
    again: bool = False  # a fault: the same step is tried again later
    news: dict[str, Any] = field(default_factory=dict)  # to be merged into the stored data
    causes: list[str] = field(default_factory=list)

    @property
    def cause(self) -> str:
        """Names this step of this run: whatever it does is done once under this name."""
        return f"trigger:{self.id}:{self.step}"

    @property
    def event(self) -> dict[str, Any]:
        """The properties of the event that started it; empty when none of its acts tells them."""
        found = msgspec.json.decode(self.stored).get("event")
        return found if isinstance(found, dict) else {}

    def end(self, state: str, reason: str = "") -> None:
        self.state, self.reason = state, reason[:300]
