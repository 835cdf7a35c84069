"""What a batch starts and what it ends, in the batch's transaction: each cause once, ever.

Exits come first for those who were on the way before, then starts, then exits of those who just
started: within a batch too, what happened before an entry does not end it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

import msgspec

from touchloop.channels import api as channels
from touchloop.core import arrays
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid
from touchloop.engage.triggers.definition import ENTERED, Definition, OpenCase, Send, Wait
from touchloop.engage.triggers.interest import Interest, Known, interest
from touchloop.engage.triggers.matching import fits
from touchloop.interactions.api import Happened
from touchloop.profiles.api import lock

KEPT_BYTES = 4_000  # of an event's properties, for the texts of the acts


@dataclass(frozen=True, slots=True)
class Entry:
    """One customer about to start on a trigger."""

    trigger: Known
    subject_id: int
    customer_id: int
    cause: str
    entered_at: datetime
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Exit:
    """What ends the runs of a customer on one version of a trigger."""

    trigger_id: int
    version: int
    customer_id: int
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Met:
    """What a batch did to the triggers."""

    started: int = 0
    exited: int = 0


def concerns(conn: Connection) -> frozenset[str]:
    """The names of the interactions that `on_batch` wants to see."""
    return interest(conn).names


def on_batch(conn: Connection, happened: Sequence[Happened], now: datetime) -> Met:
    """Start and end runs for what a batch brought. In the caller's transaction, which holds the
    locks of its customers; given the same again, nothing happens.
    """
    asked = interest(conn)
    names = asked.names
    concerned = [each for each in happened if each.name in names] if names else []
    if not concerned:
        return Met()
    started = start(conn, _entries(asked, concerned, now), now)
    exited = leave(conn, _exits(asked, concerned), now)
    return Met(started, exited)


def enrol(
    conn: Connection, trigger_id: int, now: datetime, *, entered_at: datetime | None = None
) -> int:
    """Start everybody who is inside a segment that the trigger waits to be entered, as if they had
    entered it now, or at `entered_at`.

    Filling a segment starts nobody: this is the deliberate way. Locks their activity; does not
    commit. Returns how many started. Raises Invalid when the trigger is not live or waits for no
    segment.
    """
    known = interest(conn).triggers.get(trigger_id)
    entered = (
        [o.entered for o in known.definitions[known.version].when if o.entered] if known else []
    )
    if known is None or known.state != "live" or not entered:
        raise Invalid("trigger", "it is not live, or waits for nobody to enter a segment")
    rows = conn.execute(
        "SELECT customer_id, segment_id, since FROM segment_members WHERE segment_id = ANY(%s)"
        " ORDER BY customer_id",
        (entered,),
    ).fetchall()
    lock(conn, sorted({row[0] for row in rows}))
    return start(
        conn,
        [
            Entry(
                known, id, id, f"member:{segment}:{id}:{since.isoformat()}", entered_at or now, {}
            )
            for id, segment, since in rows
        ],
        now,
    )


def start(conn: Connection, entries: Sequence[Entry], now: datetime) -> int:
    """Write the runs of those who may start; returns how many. Whoever is on the way, or came as
    far as an act within the trigger's time, does not start again.
    """
    chosen = _first_of_each(entries)
    if not chosen:
        return 0
    definitions = [entry.trigger.definitions[entry.trigger.version] for entry in chosen]
    places = [_first_step(d, e.entered_at) for d, e in zip(definitions, chosen, strict=True)]
    done = conn.execute(
        _START,
        {
            "triggers": arrays.numbers(e.trigger.id for e in chosen),
            "versions": arrays.numbers(e.trigger.version for e in chosen),
            "subjects": arrays.numbers(e.subject_id for e in chosen),
            "customers": arrays.numbers(e.customer_id for e in chosen),
            "causes": arrays.texts(e.cause for e in chosen),
            "steps": arrays.numbers(step for step, _ in places),
            "dues": arrays.instants(due for _, due in places),
            "entered": arrays.instants(e.entered_at for e in chosen),
            "held": arrays.texts(
                str(held_out(e.trigger.seed, e.customer_id, d.holdout)).lower()
                for e, d in zip(chosen, definitions, strict=True)
            ),
            "since": arrays.texts(
                _not_since(d, e.entered_at) for e, d in zip(chosen, definitions, strict=True)
            ),
            "data": arrays.texts(_kept(e.data) for e in chosen),
            "now": now,
        },
    )
    return done.rowcount


def leave(conn: Connection, exits: Sequence[Exit], now: datetime) -> int:
    """End the runs that these end, and cancel what they have queued; returns how many runs."""
    if not exits:
        return 0
    rows = conn.execute(
        _LEAVE,
        {
            "triggers": arrays.numbers(e.trigger_id for e in exits),
            "versions": arrays.numbers(e.version for e in exits),
            "customers": arrays.numbers(e.customer_id for e in exits),
            "at": arrays.instants(e.at for e in exits),
            "reasons": arrays.texts(e.reason for e in exits),
            "now": now,
        },
    ).fetchall()
    causes = [cause for _id, found in rows for cause in (found or ())]
    if causes:
        channels.cancel(conn, causes=causes, reason="left the trigger", now=now)
    return len(rows)


def held_out(seed: str, customer_id: int, share: float) -> bool:
    """Whether the keyed draw holds this customer out: always the same for the same seed."""
    if not share:
        return False
    digest = blake2b(str(customer_id).encode(), key=seed.encode()[:64], digest_size=8).digest()
    return int.from_bytes(digest) < share * 2**64


def _entries(asked: Interest, happened: Iterable[Happened], now: datetime) -> list[Entry]:
    found = []
    for each in happened:
        for known, occasion in asked.starts.get(each.name, ()):
            definition = known.definitions[known.version]
            at = min(each.occurred_at, now)  # a clock that goes ahead delays nothing
            if now - at > timedelta(days=definition.fresh_days) or not fits(occasion, each):
                continue
            data = {"event": each.properties} if _tells(definition) and each.name != ENTERED else {}
            found.append(
                Entry(known, each.subject_id, each.customer_id, f"i:{each.interaction_id}",
                      at, data)
            )  # fmt: skip
    return found


def _exits(asked: Interest, happened: Iterable[Happened]) -> list[Exit]:
    return [
        Exit(known.id, version, each.customer_id, each.occurred_at, each.name)
        for each in happened
        for known, version, occasion in asked.exits.get(each.name, ())
        if fits(occasion, each)
    ]


def _first_of_each(entries: Sequence[Entry]) -> list[Entry]:
    """One start for each customer and trigger, the earliest, unless it starts each time."""
    chosen: dict[tuple[int, object], Entry] = {}
    for entry in sorted(entries, key=lambda e: (e.entered_at, e.cause)):
        each_time = entry.trigger.definitions[entry.trigger.version].again_days == 0
        chosen.setdefault(
            (entry.trigger.id, entry.cause if each_time else entry.customer_id), entry
        )
    return list(chosen.values())


def _first_step(definition: Definition, at: datetime) -> tuple[int, datetime]:
    first = definition.steps[0]
    return (1, at + first.time) if isinstance(first, Wait) else (0, at)


def _not_since(definition: Definition, at: datetime) -> str:
    if definition.again_days is None:
        return "-infinity"
    if definition.again_days == 0:
        return "infinity"
    return (at - timedelta(days=definition.again_days)).isoformat()


def _tells(definition: Definition) -> bool:
    """Do texts of its acts have a use for what the event said?"""
    return any(isinstance(step, Send | OpenCase) for step in definition.steps)


def _kept(data: dict[str, Any]) -> str:
    body = msgspec.json.encode(data)
    return body.decode() if len(body) <= KEPT_BYTES and b"\\u0000" not in body else "{}"


_START = """
INSERT INTO trigger_runs
  (trigger_id, version, subject_id, cause, step, due_at, entered_at, started_at, held_out, data)
SELECT c.trigger_id, c.version, c.subject_id, c.cause, c.step, c.due_at, c.entered_at, %(now)s,
       c.held::bool, c.data
FROM unnest(
  %(triggers)s::int[], %(versions)s::int[], %(subjects)s::bigint[], %(customers)s::bigint[],
  %(causes)s::text[], %(steps)s::int[], %(dues)s::timestamptz[], %(entered)s::timestamptz[],
  %(held)s::text[], %(since)s::timestamptz[], %(data)s::jsonb[]
) AS c(trigger_id, version, subject_id, customer_id, cause, step, due_at, entered_at, held, since,
       data)
WHERE NOT EXISTS (
  SELECT FROM identifiers i
  JOIN trigger_runs r ON r.subject_id = i.id AND r.trigger_id = c.trigger_id
  WHERE i.customer_id = c.customer_id AND c.since < 'infinity'
    AND (r.state = 'waiting' OR (r.reached AND r.entered_at > c.since))
)
ON CONFLICT (trigger_id, cause) DO NOTHING
"""

# A run that is done may have something queued still: that is withdrawn as well.
_LEAVE = """
WITH e AS (
  SELECT trigger_id, version, customer_id, max(at) AS at, min(reason) AS reason
  FROM unnest(%(triggers)s::int[], %(versions)s::int[], %(customers)s::bigint[],
              %(at)s::timestamptz[], %(reasons)s::text[])
    AS x(trigger_id, version, customer_id, at, reason)
  GROUP BY 1, 2, 3
)
UPDATE trigger_runs r
SET state = 'exited', reason = e.reason, ended_at = %(now)s, withdraw_until = NULL
FROM e JOIN identifiers i ON i.customer_id = e.customer_id
WHERE r.subject_id = i.id AND r.trigger_id = e.trigger_id AND r.version = e.version
  AND r.entered_at <= e.at
  AND (r.state = 'waiting' OR (r.state = 'done' AND r.withdraw_until > %(now)s))
RETURNING r.id, ARRAY(SELECT jsonb_array_elements_text(r.data -> 'causes'))
"""
