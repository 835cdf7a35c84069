"""Step `understand`: who entered which segment and who left, exactly now.

The live rules are decided for the touched customers from all of their history that the rules read.
Entering and leaving become interactions, in the same transaction as the membership. The moment at
which a window will move for a customer without a new event is noted, and the customer is looked at
again then.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from time import perf_counter
from typing import Any

from touchloop.core import arrays, clock
from touchloop.core.db import Connection
from touchloop.flow import reading
from touchloop.flow.batch import Batch, Moved, Work
from touchloop.insight.segments import api as segments
from touchloop.interactions.api import (
    IDS_OF_A_BATCH,
    OUT,
    Catalogue,
    Row,
    append,
    first_id,
    own_id,
)

OWN, SYSTEM = "touchloop", "system"
# Keys of messages are hashes. Ours are numbers behind a mark: in order, they cost the index little.
_OWN_KEY = b"\xff" * 8
ENTERED, LEFT = "Segment Entered", "Segment Left"


def refresh_segments(batch: Batch, work: Work) -> Batch:
    """Decide, for the customers of the batch, the live rules that its events concern."""
    live = segments.live(work.conn)
    work.needs = live.needs
    work.histories.fit(live.needs, work.now, live.stamp)
    changes: list[segments.MembershipChange] = []
    due: dict[int, datetime] = {}
    spent: Counter[str] = Counter()
    for group in segments.groups(live, batch.customers) if live.rules.rules else ():
        with _timed(spent, "read_ms"):
            relations = reading.relations(group.live.needs, group.customers, batch, work)
        with _timed(spent, "decide_ms"):
            result = segments.evaluate(group.live.rules, relations, group.customers, work.now)
        with _timed(spent, "write_ms"):
            changes += _apply(result, group.customers, live, batch, work)
        due.update(result.due)
        spent["read"] += relations["interactions"].num_rows if "interactions" in relations else 0
    with _timed(spent, "write_ms"):
        _say(changes, live, batch, work)
        _forget_wakes(batch, work)
        note_wakes(due, work.conn)
    batch.note(
        "understand",
        customers=len(batch.customers),
        rules=len(live.rules.rules),
        entered=sum(change.entered for change in changes),
        left=sum(not change.entered for change in changes),
        **spent,
    )
    return batch


def _apply(
    result: segments.LiveResult,
    customers: Sequence[int],
    live: segments.Live,
    batch: Batch,
    work: Work,
) -> list[segments.MembershipChange]:
    standing = segments.Standing(live.rules.ids, batch.stands)
    try:
        return segments.apply(work.conn, result, customers, work.now, standing=standing)
    except segments.Outdated:
        work.histories.clear()
        raise Moved from None


@contextmanager
def _timed(spent: Counter[str], name: str) -> Iterator[None]:
    start = perf_counter()
    yield
    spent[name] += round((perf_counter() - start) * 1_000)


def rows_of(
    changes: Sequence[segments.MembershipChange],
    names: Mapping[int, str],
    source_id: int,
    catalogue: Catalogue,
    batch_id: int,
    *,
    after: int = 0,
) -> list[Row]:
    """What happened as rows of the log, behind `after` other rows of the same batch."""
    bodies = {
        (segment, event): _body(segment, event, name)
        for segment, name in names.items()
        for event in (ENTERED, LEFT)
    }
    kinds = {event: catalogue.kinds[SYSTEM, event] for event in (ENTERED, LEFT)}
    start = first_id(batch_id) + after
    rows = []
    for id, (customer_id, segment_id, entered, at) in enumerate(changes, start):
        event = ENTERED if entered else LEFT
        at_us = clock.micros(at)
        rows.append(
            Row(  # by position: a change of rules makes hundreds of thousands
                id,
                customer_id,
                source_id,
                kinds[event],
                None,
                at_us,
                at_us,
                OUT,
                None,
                _OWN_KEY + id.to_bytes(8),
                0,
                0,
                bodies[segment_id, event],
            )
        )
    return rows


def _say(
    changes: list[segments.MembershipChange], live: segments.Live, batch: Batch, work: Work
) -> None:
    """Append what happened to the log."""
    if not changes:
        return
    if len(batch.rows) + len(changes) > IDS_OF_A_BATCH:  # its blocks are then taken one by one
        raise OverflowError("segments say more of this batch than it has numbers for")
    own = next((id for id, source in work.sources.items() if source.slug == OWN), None)
    if own is None:
        own = own_id(work.conn)
    work.catalogue.kind_ids(work.side, {(SYSTEM, ENTERED), (SYSTEM, LEFT)}, work.now)
    rows = rows_of(changes, live.names, own, work.catalogue, work.batch_id, after=len(batch.rows))
    append(work.conn, rows)
    batch.rows.extend(rows)
    batch.moves = [
        (row.id, change, live.names[change.segment_id])
        for row, change in zip(rows, changes, strict=True)
    ]


@lru_cache(maxsize=4_096)
def _body(segment_id: int, event: str, name: str) -> bytes:
    properties = {"segment_id": segment_id, "segment": name}
    return json.dumps({"type": SYSTEM, "event": event, "properties": properties}).encode()


def _forget_wakes(batch: Batch, work: Work) -> None:
    if batch.due:
        work.conn.execute(
            "DELETE FROM refreshes WHERE customer_id = ANY(%s) AND due_at <= %s",
            (list(batch.due), work.now),
        )


def note_wakes(due: Mapping[int, datetime], conn: Connection) -> None:
    """Only an earlier moment is written: waking too early is harmless, and rarely happens."""
    if not due:
        return
    known: dict[int, Any] = dict(
        conn.execute(
            "SELECT customer_id, due_at FROM refreshes WHERE customer_id = ANY(%s::bigint[])",
            (arrays.numbers(due),),
        ).fetchall()
    )
    earlier = sorted(id for id, at in due.items() if id not in known or at < known[id])
    if earlier:
        conn.execute(
            "INSERT INTO refreshes (customer_id, due_at, reason)"
            " SELECT customer_id, due_at, 'window'"
            " FROM unnest(%s::bigint[], %s::timestamptz[]) AS d(customer_id, due_at)"
            " ON CONFLICT (customer_id) DO UPDATE SET due_at = excluded.due_at"
            " WHERE refreshes.due_at > excluded.due_at",
            (arrays.numbers(earlier), arrays.instants(due[id] for id in earlier)),
        )
