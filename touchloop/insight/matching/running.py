"""Matching over the customers: what is due, one run from its start to what came of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from duckdb import DuckDBPyConnection

from touchloop.core.db import Connection
from touchloop.core.errors import Invalid
from touchloop.insight.matching import (
    customers,
    holding,
    homes,
    judging,
    lists,
    proposing,
    versions,
)
from touchloop.insight.matching.matching import LIKELY, Matched, connect, match
from touchloop.insight.models import api as models

Progress = Callable[[str, float], None]

EVERY: Final = timedelta(days=7)
GIVEN_UP: Final = timedelta(hours=2)  # a run that said nothing for so long died with its process


@dataclass(frozen=True, slots=True)
class RunInfo:
    """One run. `figures`: records, pairs, suggested, merged, homes, seconds, curve."""

    id: int
    asked_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    state: str
    step: str
    done: float
    version_id: int | None
    figures: dict[str, Any]
    error: str


def ask(conn: Connection, *, by: int | None, now: datetime) -> int:
    """Ask for a run; the learning part begins it. One that waits already is that one."""
    waiting = conn.execute(
        "SELECT id FROM matching_runs WHERE state = 'asked' ORDER BY id LIMIT 1"
    ).fetchone()
    if waiting:
        return int(waiting[0])
    made = conn.execute(
        "INSERT INTO matching_runs (asked_at, asked_by, state, figures)"
        " VALUES (%s, %s, 'asked', '{}') RETURNING id",
        (now, by),
    ).fetchone()
    assert made is not None
    return int(made[0])


def due(conn: Connection, now: datetime) -> bool:
    """Whether a run or a list was asked for, or the last run is a week old. Not while one works."""
    row = conn.execute(_DUE, {"now": now, "since": now - EVERY, "dead": now - GIVEN_UP}).fetchone()
    return bool(row and row[0])


def run(conn: Connection, now: datetime, progress: Progress) -> RunInfo:
    """Hold the lists that wait against the customers; then, when it is due, match the customers:
    suggest, merge what may be merged by itself, find the homes.

    `conn` in autocommit: the steps are shown while it works. A fault ends the run as failed, with
    its words; what `progress` raises goes through.
    """
    _lists(conn, now, progress)
    row = conn.execute(_DUE_RUN, {"since": now - EVERY}).fetchone()
    last = latest(conn)
    if last is not None and not (row and row[0]):
        return last
    id = _begin(conn, now)
    start = time.perf_counter()

    def step(words: str, done: float) -> None:
        conn.execute(
            "UPDATE matching_runs SET step = %s, done = %s WHERE id = %s", (words, done, id)
        )
        progress(words, done)

    try:
        figures, version = _work(conn, id, now, step)
    except Invalid as wrong:
        _end(conn, id, now, state="failed", error=wrong.message)
    except BaseException:
        _end(conn, id, now, state="failed", error="it was stopped")
        raise
    else:
        figures["seconds"] = round(time.perf_counter() - start, 1)
        _end(conn, id, now, state="done", figures=figures, version=version)
    found = one_run(conn, id)
    assert found is not None
    return found


def one_run(conn: Connection, id: int) -> RunInfo | None:
    """One run by its number."""
    row = conn.execute(f"{_RUN} WHERE id = %s", (id,)).fetchone()
    return RunInfo(*row) if row else None


def latest(conn: Connection, *, state: str = "") -> RunInfo | None:
    """The newest run, or the newest in a state."""
    row = conn.execute(
        f"{_RUN} WHERE %(state)s = '' OR state = %(state)s ORDER BY id DESC LIMIT 1",
        {"state": state},
    ).fetchone()
    return RunInfo(*row) if row else None


def _lists(conn: Connection, now: datetime, progress: Progress) -> None:
    """Compare the lists that wait, the oldest first; a fault ends one with its words."""
    while one := lists.waiting(conn):
        id = one.id

        def step(words: str, done: float, id: int = id) -> None:
            conn.execute(_STEP, {"words": words, "done": done, "id": id})
            progress(words, done)

        try:
            holding.hold(conn, one, now, step)
        except models.Stopped:
            raise  # the process ends: whoever looks next takes the list again
        except Exception as wrong:
            words = wrong.message if isinstance(wrong, Invalid) else "it broke; the log says where"
            conn.execute(_FAILED, {"error": words, "now": now, "id": id})
            if not isinstance(wrong, Invalid):
                raise


def _work(
    conn: Connection, id: int, now: datetime, step: Progress
) -> tuple[dict[str, Any], int | None]:
    step("who may be compared", 0.0)
    people = customers.load(conn)
    if people.rows < 2:
        raise Invalid("customers", "there are fewer than two customers that may be compared")
    chosen = versions.used(conn)
    duck = connect()
    try:
        duck.register("customer_rows", people.table)
        duck.execute("CREATE TABLE raw AS SELECT * FROM customer_rows")
        found = _matched(duck, people, chosen, now, step)
        kept = chosen.id if chosen else versions.keep(
            conn, found, customers.frequent(duck, found.fields), now
        )  # fmt: skip
        step("suggestions", 0.82)
        made = proposing.propose(conn, found, people.ids, run_id=id, now=now)
        step("merges that are sure enough", 0.9)
        merged = judging.merge_sure(conn, now=now)
        step("homes", 0.95)
        homes_found = homes.write(conn, duck, people.ids, now=now)
    finally:
        duck.close()
    return {
        "records": people.rows,
        "left_out": people.left_out,
        "pairs": len(found.linked.a),
        "forbidden": int(found.pairs.against.sum()),
        "people": int(found.clustered.labels.max(initial=-1)) + 1,
        "suggested": made,
        "merged": merged,
        "homes": homes_found,
        "bridges": len(found.clustered.bridges),
    }, kept


def _matched(
    duck: DuckDBPyConnection, people: customers.People, chosen: versions.Used | None,
    now: datetime, step: Progress,
) -> Matched:  # fmt: skip
    gone = (
        [each.column for each in chosen.fields if each.column not in people.names] if chosen else []
    )
    if gone:
        raise Invalid("version", f"compares {', '.join(gone)}, which customers have no more")
    return match(
        duck, "raw", people.names, rows=people.rows, now=now,
        threshold=chosen.threshold if chosen else LIKELY,
        fields=chosen.fields if chosen else (), model=chosen.model if chosen else None,
        progress=lambda words, done: step(words, 0.05 + 0.75 * done),
    )  # fmt: skip


def _begin(conn: Connection, now: datetime) -> int:
    conn.execute(
        "UPDATE matching_runs SET state = 'failed', error = 'its process ended', finished_at = %s"
        " WHERE state = 'running'",
        (now,),
    )
    id = ask(conn, by=None, now=now)
    conn.execute(
        "UPDATE matching_runs SET state = 'running', started_at = %s WHERE id = %s", (now, id)
    )
    return id


def _end(
    conn: Connection,
    id: int,
    now: datetime,
    *,
    state: str,
    figures: dict[str, Any] | None = None,
    version: int | None = None,
    error: str = "",
) -> None:
    conn.execute(
        "UPDATE matching_runs SET state = %s, finished_at = %s, figures = %s, version_id = %s,"
        " error = %s, done = 1 WHERE id = %s",
        (state, now, json.dumps(figures or {}), version, error, id),
    )


_RUN = (
    "SELECT id, asked_at, started_at, finished_at, state, step, done, version_id, figures, error"
    " FROM matching_runs"
)
_STEP = """
UPDATE matching_lists SET state = 'running', step = %(words)s, done = %(done)s WHERE id = %(id)s"""
_FAILED = """
UPDATE matching_lists SET state = 'failed', error = %(error)s, finished_at = %(now)s
WHERE id = %(id)s"""
_DUE_RUN = """
SELECT EXISTS (SELECT FROM matching_runs WHERE state = 'asked')
    OR NOT EXISTS (SELECT FROM matching_runs WHERE started_at > %(since)s)"""
_DUE = """
SELECT NOT EXISTS (SELECT FROM matching_runs WHERE state = 'running' AND started_at > %(dead)s)
   AND (EXISTS (SELECT FROM matching_runs WHERE state = 'asked')
        OR EXISTS (SELECT FROM matching_lists WHERE state <> 'done' AND state <> 'failed')
        OR NOT EXISTS (SELECT FROM matching_runs WHERE started_at > %(since)s))
"""
