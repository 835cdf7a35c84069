"""Taking runs through their steps when they are due: claimed together, moved together.

A run is claimed with FOR UPDATE SKIP LOCKED and moved in the same transaction as what its step
does: two workers never do the same step, a crash undoes both, and the causes of the acts keep what
is done again from happening twice. Time only ever comes as `now`: a clock that is set back makes
nothing due, one that leaps ahead makes it due or, beyond `late_days`, too late.
"""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

import psycopg

from touchloop.core import arrays
from touchloop.core.db import Connection
from touchloop.engage.triggers.acting import act
from touchloop.engage.triggers.checking import passing
from touchloop.engage.triggers.definition import Check, Definition, Step, Wait
from touchloop.engage.triggers.interest import Known, interest
from touchloop.engage.triggers.run import DONE, FAILED, SKIPPED, WAITING, Run

LIMIT = 5_000
ATTEMPTS = 5
PAUSE = timedelta(minutes=1)  # after a fault; it doubles
PUNCTUAL = timedelta(minutes=1)  # a step this late still counts as done when it was due
HELD_OUT, CONDITION, TOO_LATE = "holdout", "condition", "too late"

log = logging.getLogger("touchloop.engage")


def due(conn: Connection, now: datetime, limit: int = LIMIT) -> int:
    """Take what is due through its steps, up to `limit` runs of each live trigger.

    In the caller's transaction: the caller commits. Returns the steps done; 0 when nothing is due.
    """
    return sum(
        _walk(conn, known, runs, now)
        for known in interest(conn).live
        if (runs := _claim(conn, known, now, limit))
    )


def _claim(conn: Connection, known: Known, now: datetime, limit: int) -> list[Run]:
    rows = conn.execute(
        _CLAIM, {"trigger": known.id, "now": now, "limit": limit}, binary=True
    ).fetchall()
    return [Run(*row) for row in rows]


def _walk(conn: Connection, known: Known, runs: list[Run], now: datetime) -> int:
    steps = 0
    moving = []
    for run in runs:
        definition = known.definitions[run.version]
        if now - run.due_at > timedelta(days=definition.late_days):
            run.end(SKIPPED, TOO_LATE)
        else:
            moving.append(run)
    while moving:
        steps += len(moving)
        at_step: dict[tuple[int, int], list[Run]] = defaultdict(list)
        for run in moving:
            at_step[run.version, run.step].append(run)
        moving = [
            run
            for (version, _), group in at_step.items()
            for run in _step(conn, known, known.definitions[version], group, now)
        ]
    _write(conn, runs, now)
    return steps


def _step(
    conn: Connection, known: Known, definition: Definition, runs: list[Run], now: datetime
) -> list[Run]:
    """Do one step for all who stand at it; gives those who can do the next one at once."""
    step = definition.steps[runs[0].step]
    if isinstance(step, Wait):
        return [run for run in runs if _wait(run, step, definition, now)]
    if isinstance(step, Check):
        fit = passing(conn, step, {run.customer_id for run in runs}, now)
        for run in runs:
            if run.customer_id not in fit:
                run.end(DONE if run.reached else SKIPPED, CONDITION)
    else:
        for run in runs:
            if run.held_out:
                run.reached = True
                run.acted_at = now
                run.end(SKIPPED, HELD_OUT)
        _act(conn, known, step, [run for run in runs if run.state == WAITING], now)
    return [
        run for run in runs if run.state == WAITING and not run.again and _next(run, definition)
    ]


def _wait(run: Run, step: Wait, definition: Definition, now: datetime) -> bool:
    """Put off what comes next; True when that is due already."""
    begun = run.due_at if now - run.due_at <= PUNCTUAL else now
    run.due_at = begun + step.time
    return _next(run, definition) and run.due_at <= now


def _next(run: Run, definition: Definition) -> bool:
    """Go to the next step; at the end the run is done, or skipped when no act could be done."""
    run.step += 1
    if run.step < len(definition.steps):
        return True
    run.end(SKIPPED if run.reason and not run.reached else DONE, run.reason)
    return False


def _act(conn: Connection, known: Known, step: Step, runs: list[Run], now: datetime) -> None:
    """Act for all; a run that cannot be acted for is found by halving, and tried again later."""
    if not runs:
        return
    for run in runs:
        run.reason = ""
    try:
        with conn.transaction():
            act(step, known, runs, conn, now)
    except (psycopg.OperationalError, psycopg.InterfaceError):
        raise  # the database is away, or two transactions met: the caller undoes and comes again
    except Exception as error:
        for run in runs:
            run.causes.clear()
            run.news.clear()
        if len(runs) > 1:
            middle = len(runs) // 2
            _act(conn, known, step, runs[:middle], now)
            _act(conn, known, step, runs[middle:], now)
            return
        _put_off(runs[0], error, known, now)
        return
    for run in runs:
        if not run.reason:
            run.reached = True
            run.acted_at = now
            run.attempts = 0


def _put_off(run: Run, error: Exception, known: Known, now: datetime) -> None:
    run.attempts += 1
    run.again, run.reason = True, ""
    words = f"{type(error).__name__}: {error}"
    log.warning("run %d of trigger %s: %s", run.id, known.slug, words[:300])
    if run.attempts >= ATTEMPTS:
        run.end(FAILED, words)
    else:
        run.due_at = now + PAUSE * 2 ** (run.attempts - 1)


def _write(conn: Connection, runs: Sequence[Run], now: datetime) -> None:
    told = [run for run in runs if run.news or run.causes]
    conn.execute(
        _MOVE,
        {
            "ids": arrays.numbers(run.id for run in runs),
            "states": arrays.texts(run.state for run in runs),
            "reasons": arrays.texts(run.reason for run in runs),
            "steps": arrays.numbers(run.step for run in runs),
            "dues": arrays.instants(run.due_at for run in runs),
            "reached": arrays.texts(str(run.reached).lower() for run in runs),
            "acted": arrays.instants(run.acted_at for run in runs),
            "withdraw": arrays.instants(run.withdraw_until for run in runs),
            "attempts": arrays.numbers(run.attempts for run in runs),
            "now": now,
        },
    )
    if told:
        conn.execute(
            _TELL,
            {
                "ids": arrays.numbers(run.id for run in told),
                "news": arrays.texts(json.dumps(run.news) for run in told),
                "causes": arrays.texts(json.dumps(run.causes) for run in told),
            },
        )


_CLAIM = """
SELECT r.id, r.version, r.subject_id, i.customer_id, r.step, r.due_at, r.held_out, r.reached,
       r.attempts, r.data::text
FROM trigger_runs r JOIN identifiers i ON i.id = r.subject_id
WHERE r.trigger_id = %(trigger)s AND r.state = 'waiting' AND r.due_at <= %(now)s
ORDER BY r.due_at, r.id LIMIT %(limit)s
FOR UPDATE OF r SKIP LOCKED
"""

_MOVE = """
UPDATE trigger_runs r
SET state = m.state, reason = m.reason, step = m.step, due_at = m.due_at,
    reached = m.reached::bool, attempts = m.attempts,
    acted_at = coalesce(m.acted_at, r.acted_at),
    withdraw_until = coalesce(m.withdraw_until, r.withdraw_until),
    ended_at = CASE WHEN m.state <> 'waiting' THEN %(now)s END
FROM unnest(
  %(ids)s::bigint[], %(states)s::text[], %(reasons)s::text[], %(steps)s::int[],
  %(dues)s::timestamptz[], %(reached)s::text[], %(acted)s::timestamptz[],
  %(withdraw)s::timestamptz[], %(attempts)s::int[]
) AS m(id, state, reason, step, due_at, reached, acted_at, withdraw_until, attempts)
WHERE r.id = m.id
"""

_TELL = """
UPDATE trigger_runs r
SET data = r.data || t.news
  || jsonb_build_object('causes', coalesce(r.data -> 'causes', '[]'::jsonb) || t.causes)
FROM unnest(%(ids)s::bigint[], %(news)s::jsonb[], %(causes)s::jsonb[]) AS t(id, news, causes)
WHERE r.id = t.id
"""
