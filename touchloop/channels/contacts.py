"""The ledger of pressure: each time the company reached a customer, in either direction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, LiteralString

from msgspec import Struct

from touchloop.channels.registry import channels
from touchloop.core import arrays
from touchloop.core.db import Connection

IN, OUT = 0, 1  # IN: the customer had come; the company used the moment
_CAME: Final = frozenset({"web", "mobile", "ivr", "chat", "in_person"})


class Reached(Struct, frozen=True, gc=False):
    """One contact; the same cause counts once."""

    subject_id: int
    kind: str
    channel: str
    at: datetime
    cause: str


def note_contacts(conn: Connection, reached: Sequence[Reached]) -> None:
    """Write contacts, in the caller's transaction. The outbox does so for its own deliveries; this
    is for what reaches a customer by another way (a slot of a page, a call that was made)."""
    if not reached:
        return
    known = channels()
    came = {
        name
        for name in {one.channel for one in reached}
        if name in _CAME or (name in known and known[name].pulled)
    }
    conn.execute(
        _NOTE,
        (
            arrays.numbers(one.subject_id for one in reached),
            arrays.texts(one.kind for one in reached),
            arrays.texts(one.channel for one in reached),
            arrays.numbers(IN if one.channel in came else OUT for one in reached),
            arrays.instants(one.at for one in reached),
            arrays.texts(one.cause for one in reached),
        ),
    )


_NOTE: LiteralString = """
INSERT INTO contacts (subject_id, kind, channel, direction, at, cause)
SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::smallint[], %s::timestamptz[],
                     %s::text[])
ON CONFLICT (cause) DO NOTHING
"""
