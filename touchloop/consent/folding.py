"""How the rows of a ledger become what holds for a customer: merging never widens.

A row belongs to an identifier. Of each identifier the last word counts, and of a customer's
identifiers the strictest, until the person confirms: says it again, explicitly, after the
identifiers had come together. What holds then is that word and whatever followed it. What a browser
signals (Global Privacy Control) ranks below explicit words of the same identifier.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from touchloop.consent.deciding import DENIED, GRANTED, OBJECTED, PENDING, Choice

GPC: Final = "gpc"
# Sent along with every message by a consent banner: counts, but confirms nothing.
PREFERENCES: Final = "preferences"
PASSIVE: Final = frozenset({GPC, PREFERENCES})

Key = tuple[str, str]
_STRICTNESS: Final = (GRANTED, PENDING, DENIED, OBJECTED)


class Row(Struct, frozen=True, gc=False):
    """A row of either ledger: `key` is (purpose, category) or (channel, topic)."""

    id: int
    subject_id: int
    key: Key
    state: str
    at: datetime
    basis: str = ""


def fold(rows: Sequence[Row], *, together_since: datetime | None = None) -> dict[Key, Choice]:
    """What holds for each key; the order of the rows does not matter.

    `together_since` is when the identifiers last came together; without it nothing confirms.
    """
    found = {row.key: Choice(row.state, row.id, row.at, row.basis) for row in rows}
    if len(found) < len(rows):  # few keys are spoken of twice
        for key, times in Counter(row.key for row in rows).items():
            if times > 1:
                said = [row for row in rows if row.key == key]
                found[key] = _choice(_since_confirmed(said, together_since))
    return found


def strictness(state: str) -> int:
    """Larger is stricter; an unknown state is the strictest."""
    return _STRICTNESS.index(state) if state in _STRICTNESS else len(_STRICTNESS)


def _since_confirmed(rows: list[Row], together_since: datetime | None) -> list[Row]:
    """The rows from the last confirmation on, or all."""
    if together_since is None or len(rows) == 1:
        return rows
    confirming = [row for row in rows if row.basis not in PASSIVE and row.at > together_since]
    if not confirming:
        return rows
    word = max(confirming, key=_rank)
    later = [row for row in rows if row.at > word.at and row.basis != GPC]
    return [word, *later]


def _choice(rows: list[Row]) -> Choice:
    last: dict[int, Row] = {}
    for row in rows:
        kept = last.get(row.subject_id)
        if kept is None or _rank(row) > _rank(kept):
            last[row.subject_id] = row
    holds = max(last.values(), key=lambda row: (strictness(row.state), -row.id))
    return Choice(holds.state, holds.id, holds.at, holds.basis)


def _rank(row: Row) -> tuple[bool, datetime, int, int]:
    """The last word wins; of two at once the stricter; explicit words before signals."""
    return row.basis != GPC, row.at, strictness(row.state), row.id
