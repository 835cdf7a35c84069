"""Replay: rows of the log are taken through the steps once more, from any row.

What the steps keep beside the log (activity, traits, visits, stages, segments) is worked out from
it anew. The log itself stays as it is, and with it who said it and what it may be used for, which
are ledgers of their own. Nobody is contacted about what is long past: the rooms of `engage` are
shown only the segments that the replay itself finds entered or left.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from touchloop.core import arrays, clock
from touchloop.core.db import Connection
from touchloop.flow.batch import Batch, Message, Stretch, Work
from touchloop.flow.naming import assign
from touchloop.interactions.api import Envelope, Record, explode
from touchloop.profiles.api import permitted, remember_places

ROWS, SUBJECTS = 50_000, 1_000  # of one batch, about


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay has done so far."""

    rows: int = 0
    customers: int = 0
    entered: int = 0
    left: int = 0
    unreadable: int = 0  # rows that today's contract would refuse: they are passed over

    def plus(self, batch: Batch) -> Replayed:
        """With one more batch of rows."""
        entered = sum(change.entered for _, change, _ in batch.moves)
        read = batch.notes["read"]
        return Replayed(
            self.rows + read["rows"],
            self.customers + len(batch.customers),
            self.entered + entered,
            self.left + len(batch.moves) - entered,
            self.unreadable + read["unreadable"],
        )


def stretches(conn: Connection, first: int, last: int) -> list[Stretch]:
    """The rows of the log from `first` to `last` that customers caused, some customers at a time.

    A customer's rows stay together, so that each is decided once.
    """
    found, subjects, rows = [], [], 0
    for subject, count in conn.execute(_SUBJECTS, {"first": first, "last": last}).fetchall():
        subjects.append(subject)
        rows += count
        if rows >= ROWS or len(subjects) >= SUBJECTS:
            found.append(Stretch(first, last, tuple(subjects), rows))
            subjects, rows = [], 0
    conn.rollback()
    return [*found, Stretch(first, last, tuple(subjects), rows)] if subjects else found


def read_again(batch: Batch, work: Work) -> Batch:
    """Make messages of rows that are not Touchloop's own news."""
    found = [_Said(*row) for row in _rows(work.conn, batch.again)]
    batch.messages = [m for m in (_message(said, work) for said in found) if m is not None]
    assign(batch, work)
    batch.visits = {(said.place, said.subject) for said in found if said.place is not None}
    remember_places(work.conn, batch.visits)
    batch.note("read", rows=len(found), unreadable=len(found) - len(batch.messages))
    return batch


def _rows(conn: Connection, stretch: Stretch | None) -> list[tuple[Any, ...]]:
    if stretch is None:
        return []
    wanted = {
        "first": stretch.first,
        "last": stretch.last,
        "subjects": arrays.numbers(stretch.subjects),
    }
    return conn.execute(_ROWS, wanted, binary=True).fetchall()


class _Said(NamedTuple):
    """A row of the log; `place` is its touchpoint if that has a location."""

    subject: int
    source: int
    type: str
    occurred_at: datetime
    received_at: datetime
    key: UUID
    body: str
    place: int | None


def _message(said: _Said, work: Work) -> Message | None:
    source, received_us = work.sources[said.source], clock.micros(said.received_at)
    body = said.body.encode()
    record = Record(source.id, received_us, said.type, None, False, body, [""], 1, "log")
    (read,) = explode(record)
    if not isinstance(read, Envelope):
        return None
    envelope = msgspec.structs.replace(read, occurred_us=clock.micros(said.occurred_at))
    traits, _ = permitted(envelope.traits, trusted=source.trusted)
    return Message(envelope, record, source, said.key.bytes, said.subject, traits=traits)


_SUBJECTS = """
SELECT i.subject_id, count(*)
FROM interactions i JOIN sources s ON s.id = i.source_id JOIN identifiers n ON n.id = i.subject_id
WHERE i.id BETWEEN %(first)s AND %(last)s AND s.kind <> 'system'
GROUP BY n.customer_id, i.subject_id ORDER BY n.customer_id, i.subject_id
"""
_ROWS = """
SELECT i.subject_id, i.source_id, k.type, i.occurred_at, i.received_at, i.message_key, i.body,
       CASE WHEN t.location <> '' THEN t.id END
FROM interactions i JOIN kinds k ON k.id = i.kind_id JOIN sources s ON s.id = i.source_id
LEFT JOIN touchpoints t ON t.id = i.touchpoint_id
WHERE i.subject_id = ANY(%(subjects)s::bigint[]) AND i.id BETWEEN %(first)s AND %(last)s
  AND s.kind <> 'system'
ORDER BY i.id
"""
