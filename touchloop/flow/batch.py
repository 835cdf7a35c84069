"""What travels through the steps: one micro-batch of messages and what became of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from msgspec import Struct

from touchloop.core.db import Connection
from touchloop.flow.histories import Histories, Kept, News
from touchloop.insight.segments.api import MembershipChange, Needs
from touchloop.interactions.api import (
    Block,
    Catalogue,
    Envelope,
    Held,
    Line,
    Record,
    Row,
    Source,
    quarantined,
)

NOTHING = Needs(None, None, frozenset(), frozenset(), frozenset(), False, False)


class Message(Struct):
    """One message on its way; each step adds what it finds out."""

    envelope: Envelope
    record: Record
    source: Source
    key: bytes
    subject_id: int = 0
    customer_id: int = 0
    traits: dict[str, Any] = {}
    uses: int = 0


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows of the log to be taken again: of these subjects, from the first to the last."""

    first: int
    last: int
    subjects: tuple[int, ...]
    rows: int


@dataclass(slots=True)
class Batch:
    """A micro-batch. `rows` and `lines` are what it writes to the log."""

    blocks: Sequence[Block]
    due: Sequence[int] = ()  # customers whose time has come, without a message
    again: Stretch | None = None  # rows of the log that are replayed
    messages: list[Message] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    lines: list[tuple[Row, list[Line]]] = field(default_factory=list)
    visits: set[tuple[int, int]] = field(default_factory=set)  # (touchpoint, subject), new ones
    counts: Counter[tuple[int, str]] = field(default_factory=Counter)
    # Touched customers, with the names of their new events; None: something else changed as well.
    customers: dict[int, frozenset[str] | None] = field(default_factory=dict)
    turns: dict[int, int] = field(default_factory=dict)  # of the customers: profiles.activity
    news: News | None = None  # of the log, worked out when they are first asked for
    histories: dict[int, Kept] = field(default_factory=dict)  # to be remembered once committed
    stands: dict[int, bytes] = field(default_factory=dict)  # in segments: remembered, then new
    # Who entered or left which segment (its name), and the interaction that says so.
    moves: list[tuple[int, MembershipChange, str]] = field(default_factory=list)
    refold: set[int] = field(default_factory=set)  # customers whose facts changed
    notes: dict[str, dict[str, Any]] = field(default_factory=dict)

    def note(self, step: str, **figures: Any) -> None:
        """Add figures to what a step says of itself on the Live page."""
        self.notes.setdefault(step, {}).update(figures)

    def set_aside(self, message: Message, reason: str, detail: str = "") -> None:
        """Put a message into quarantine with its reason and count it."""
        self.held.append(quarantined(message.envelope, message.record, message.key, reason, detail))
        self.counts[message.source.id, "quarantined"] += 1


class Moved(Exception):
    """A customer was merged or split by another worker while this batch was on its way."""


@dataclass(slots=True)
class Work:
    """What a worker keeps between batches, and the transaction of the current one."""

    conn: Connection  # the batch's own transaction
    side: Connection  # for short transactions that may stay when the batch is undone
    catalogue: Catalogue
    sources: dict[int, Source]
    batch_id: int
    now: datetime
    visits: set[tuple[int, int]] = field(default_factory=set)  # that are known to be noted
    histories: Histories = field(default_factory=Histories)
    needs: Needs = NOTHING  # of all live rules
