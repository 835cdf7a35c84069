"""Step `understand`: who entered which segment and who left, exactly now.

The live rules are decided for the touched customers from all of their history that the rules read.
Entering and leaving become interactions, in the same transaction as the membership. The moment at
which a window will move for a customer without a new event is noted, and the customer is looked at
again then.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from touchloop.core import clock
from touchloop.flow import reading
from touchloop.flow.batch import Batch, Work
from touchloop.insight.segments import api as segments
from touchloop.interactions.api import OUT, Row, append, first_id

SYSTEM = "system"
ENTERED, LEFT = "Segment Entered", "Segment Left"


def refresh_segments(batch: Batch, work: Work) -> Batch:
    """Decide the live rules for the customers of the batch."""
    live = segments.live(work.conn)
    customers = sorted(batch.customers)
    if not customers or not live.rules.rules:
        _forget_wakes(batch, work)
        return batch
    relations = reading.relations(live.needs, customers, work)
    result = segments.evaluate(live.rules, relations, customers, work.now)
    changes = segments.apply(work.conn, result, customers, work.now)
    _say(changes, live, batch, work)
    _forget_wakes(batch, work)
    _note_wakes(result.due, work)
    read = relations.get("interactions", reading.NOBODY).num_rows
    batch.note("understand", customers=len(customers), rules=len(live.rules.rules), read=read,
               entered=sum(change.entered for change in changes),
               left=sum(not change.entered for change in changes))
    return batch


def _say(
    changes: list[segments.MembershipChange], live: segments.Live, batch: Batch, work: Work
) -> None:
    """Append what happened to the log."""
    if not changes:
        return
    source = next(source for source in work.sources.values() if source.slug == "touchloop")
    work.catalogue.kind_ids(work.side, {(SYSTEM, ENTERED), (SYSTEM, LEFT)}, work.now)
    start = first_id(work.batch_id) + len(batch.rows)
    rows = [
        _row(change, start + number, source.id, live, work)
        for number, change in enumerate(changes)
    ]
    append(work.conn, rows)
    batch.rows.extend(rows)


def _row(
    change: segments.MembershipChange, id: int, source_id: int, live: segments.Live, work: Work
) -> Row:
    event = ENTERED if change.entered else LEFT
    cause = f"{event}\0{change.segment_id}\0{change.customer_id}\0{work.batch_id}"
    body = {
        "type": SYSTEM, "event": event,
        "properties": {"segment_id": change.segment_id, "segment": live.names[change.segment_id]},
    }
    at = clock.micros(change.at)
    return Row(
        id=id, subject_id=change.customer_id, source_id=source_id,
        kind_id=work.catalogue.kinds[SYSTEM, event], touchpoint_id=None, occurred_us=at,
        received_us=at, direction=OUT, value=None,
        message_key=hashlib.blake2b(cause.encode(), digest_size=16).digest(), payload_hash=0,
        uses=0, body=json.dumps(body).encode(),
    )


def _forget_wakes(batch: Batch, work: Work) -> None:
    if batch.due:
        work.conn.execute(
            "DELETE FROM refreshes WHERE customer_id = ANY(%s) AND due_at <= %s",
            (list(batch.due), work.now),
        )


def _note_wakes(due: Mapping[int, datetime], work: Work) -> None:
    """Only an earlier moment is written: waking too early is harmless, and rarely happens."""
    if not due:
        return
    known: dict[int, Any] = dict(
        work.conn.execute(
            "SELECT customer_id, due_at FROM refreshes WHERE customer_id = ANY(%s)", (list(due),)
        ).fetchall()
    )
    earlier = sorted(id for id, at in due.items() if id not in known or at < known[id])
    if earlier:
        work.conn.execute(
            "INSERT INTO refreshes (customer_id, due_at, reason)"
            " SELECT customer_id, due_at, 'window'"
            " FROM unnest(%s::bigint[], %s::timestamptz[]) AS d(customer_id, due_at)"
            " ON CONFLICT (customer_id) DO UPDATE SET due_at = excluded.due_at"
            " WHERE refreshes.due_at > excluded.due_at",
            (earlier, [due[id] for id in earlier]),
        )
