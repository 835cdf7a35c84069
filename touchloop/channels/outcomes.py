"""What became of a delivery after it was handed over, and what is called off before it is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, LiteralString, NamedTuple

from django.utils.translation import gettext as _

from touchloop.channels import outbox, rows
from touchloop.channels.rows import (
    BOUNCED,
    COMPLAINED,
    CONFIRMED,
    DROPPED,
    HANDED,
    UNCERTAIN,
    Change,
)
from touchloop.channels.seam import Delivery
from touchloop.core import arrays
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid
from touchloop.identity.api import customers_of

# From where to where: later news may only say more, so their order of arrival does not matter.
_RANK: Final = {UNCERTAIN: 0, HANDED: 1, CONFIRMED: 2, BOUNCED: 3, COMPLAINED: 4}


class Outcome(NamedTuple):
    """One piece of later news about a delivery."""

    delivery_id: int
    word: str
    reason: str = ""


def outcome(
    conn: Connection, delivery_id: int, word: str, *, reason: str = "", at: datetime
) -> bool:
    """Store what became of one delivery; False when nothing is new. See `outcomes`."""
    return outcomes(conn, [Outcome(delivery_id, word, reason)], at=at) == 1


def outcomes(conn: Connection, said: Sequence[Outcome], *, at: datetime) -> int:
    """Store later news, in the caller's transaction; returns how many said something new.

    The words are handed, confirmed, bounced, complained; each may only follow an earlier one of
    this row or `uncertain`. Anything else is Invalid.
    """
    for one in said:
        if one.word not in _RANK or one.word == UNCERTAIN:
            raise Invalid(
                "word", _("%s is no outcome of a message that was handed over") % one.word
            )
    latest = {one.delivery_id: one for one in sorted(said, key=lambda one: _RANK[one.word])}
    found = conn.execute(_LOCKED, (arrays.numbers(sorted(latest)),)).fetchall()
    changes = []
    for *row, state in found:
        one = latest[row[0]]
        if state in _RANK and _RANK[one.word] > _RANK[state]:
            changes.append(Change(rows.of_row(row, row[1]), one.word, one.reason))
    outbox.write(conn, changes, now=at)
    return len(changes)


def cancel(
    conn: Connection,
    *,
    causes: Sequence[str] | None = None,
    campaign_id: int | None = None,
    trigger_id: int | None = None,
    reason: str,
    now: datetime,
) -> int:
    """Call off what has not been handed over: all of a campaign or trigger, or of some causes, or
    both together. In the caller's transaction; returns how many. Waits for a hand-off of these
    very messages that is under way: what is out, is out. Raises Invalid when nothing is named.

    What is claimed and not being sent is made to expire instead: should its worker be gone, nobody
    knows whether it was sent, and it must end as uncertain."""
    if causes is None and campaign_id is None and trigger_id is None:
        raise Invalid("causes", _("say what is to be called off"))
    values: dict[str, Any] = {
        "causes": None if causes is None else arrays.texts(causes),
        "campaign": campaign_id,
        "trigger": trigger_id,
        "now": now,
    }
    conn.execute(_CLAIMED, values)
    found = conn.execute(_CANCELLED, values).fetchall()
    changes = [Change(rows.of_row(row, row[1]), DROPPED, reason) for row in found]
    outbox.write(conn, changes, now=now)
    return len(changes)


def delivery_of_message(conn: Connection, message_id: str) -> Delivery | None:
    """The delivery whose `message_id` this is; None for one that we did not make.

    An angle-bracketed Message-ID works as well: what follows the @ is not ours to check.
    """
    name = message_id.strip().strip("<>").partition("@")[0]
    number, _dot, token = name.partition(".")
    if not token or not number.isascii() or not number.isdigit() or len(number) > 18:
        return None
    return _one(conn, "id = %s AND message_id = %s", (int(number), name))


def delivery(conn: Connection, delivery_id: int) -> Delivery | None:
    """One delivery as a channel sees it; None when there is none."""
    return _one(conn, "id = %s", (delivery_id,))


def _one(conn: Connection, where: LiteralString, values: tuple[Any, ...]) -> Delivery | None:
    query = f"SELECT {rows.COLUMNS} FROM deliveries WHERE {where}"
    row = conn.execute(query.encode(), values).fetchone()
    if row is None:
        return None
    subject = int(row[1])
    return rows.of_row(row, customers_of(conn, [subject]).get(subject, subject))


_THESE: LiteralString = """
       (%(causes)s::text[] IS NULL OR cause = ANY(%(causes)s::text[]))
   AND (%(campaign)s::bigint IS NULL OR campaign_id = %(campaign)s)
   AND (%(trigger)s::bigint IS NULL OR trigger_id = %(trigger)s)
"""
_LOCKED: LiteralString = f"""
SELECT {rows.COLUMNS}, state FROM deliveries WHERE id = ANY(%s::bigint[]) ORDER BY id FOR UPDATE
"""
_CANCELLED: LiteralString = f"""
SELECT {rows.COLUMNS} FROM deliveries
 WHERE state IN ('queued', 'deferred') AND {_THESE}
 ORDER BY id FOR UPDATE
"""
_CLAIMED: LiteralString = f"""
UPDATE deliveries SET expires_at = %(now)s WHERE state = 'claimed' AND {_THESE}
"""
