"""What happens to a segment every day at a time of the day: it is refreshed, or exported.

A segment that is refreshed by schedule is not decided live: it stands as it was at that time. An
export is one file in the folder `exports` of the data folder, replaced each time, so that whoever
was erased or said no is out of it at the next run.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from typing import Any, Literal, LiteralString
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils.translation import gettext as _
from psycopg.types.json import Jsonb

from touchloop.core import locks, settings
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid, TouchloopError
from touchloop.insight.segments import keeping
from touchloop.insight.segments.exporting import Exported, Wish, check, export

Act = Literal["refresh", "export"]
ACTS: tuple[Act, ...] = ("refresh", "export")


@dataclass(frozen=True, slots=True)
class Schedule:
    """`at` is a time of the day in the time zone `zone`; `last_word` says what became of the last
    run."""

    segment_id: int
    act: Act
    at: clock_time
    zone: str
    wish: Wish | None
    made_by: int | None
    next_at: datetime
    last_at: datetime | None
    last_word: str


def plan(
    conn: Connection,
    segment_id: int,
    act: Act,
    *,
    at: clock_time,
    zone: str,
    by: int | None,
    now: datetime,
    wish: Wish | None = None,
) -> Schedule:
    """Have it done every day at this time, from the next such time on. Commits with the caller.

    A segment whose refresh is planned is no longer live. Invalid; NotFound.
    """
    keeping.get(segment_id, conn=conn, lock=True)
    if act not in ACTS or (act == "export") != (wish is not None):
        raise Invalid("act", _("Choose what is to happen."))
    if act == "refresh":
        keeping.set_state(segment_id, "paused", now=now, conn=conn)
    conn.execute(
        _PLAN,
        {
            "segment": segment_id, "act": act, "at": at, "zone": zone, "by": by, "now": now,
            "next": next_time(at, zone, now),
            "wishes": Jsonb(asdict(check(wish)) if wish else {}),
        },
    )  # fmt: skip
    return next(each for each in schedules(conn, segment_id) if each.act == act)


def unplan(conn: Connection, segment_id: int, act: Act) -> None:
    """End a schedule. Commits with the caller."""
    conn.execute(
        "DELETE FROM segment_schedules WHERE segment_id = %s AND act = %s", (segment_id, act)
    )


def schedules(conn: Connection, segment_id: int | None = None) -> list[Schedule]:
    """The schedules of a segment, or all of them, the next first."""
    rows = conn.execute(
        _READ + " WHERE %(id)s::int IS NULL OR segment_id = %(id)s ORDER BY next_at, act",
        {"id": segment_id},
    ).fetchall()
    return [_schedule(row) for row in rows]


def next_time(at: clock_time, zone: str, now: datetime) -> datetime:
    """The next instant after now at which a clock in that zone shows this time. Invalid zone.

    A time that a change of clocks leaves out comes an hour later; one that comes twice, once.
    """
    try:
        there = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as wrong:
        raise Invalid("zone", _("There is no time zone “%s”.") % zone[:80]) from wrong
    day = now.astimezone(there).date()
    for days in range(3):
        found = datetime.combine(day + timedelta(days=days), at, there).astimezone(UTC)
        if found > now:
            return found
    raise AssertionError("there is a tomorrow")


def run_due(
    conn: Connection,
    now: datetime,
    *,
    refresh: Callable[[int], int],
    may_export: Callable[[Schedule], bool],
    exported: Callable[[Schedule, Exported, Path], None],
) -> list[Schedule]:
    """Do what is due, one worker at a time; gives what was done. Commits each.

    `refresh` decides a segment for everybody and gives its size; `may_export` says whether who
    planned an export still may; `exported` writes it down where such things are written down.
    """
    if conn.execute(_DUE, {"now": now}).fetchone() is None:
        conn.rollback()
        return []
    row = conn.execute("SELECT pg_try_advisory_lock(%s)", (locks.SEGMENTS,)).fetchone()
    conn.commit()
    if not (row and row[0]):
        return []
    done = []
    try:
        while found := conn.execute(_DUE, {"now": now}).fetchone():
            due = _schedule(found)
            word = _done(conn, due, refresh=refresh, may_export=may_export, exported=exported)
            after = next_time(due.at, due.zone, now)
            conn.execute(_DONE, {"segment": due.segment_id, "act": due.act, "now": now,
                                 "next": after, "word": word})  # fmt: skip
            conn.commit()
            done.append(due)
    finally:
        conn.execute("SELECT pg_advisory_unlock(%s)", (locks.SEGMENTS,))
        conn.commit()
    return done


def folder() -> Path:
    """Where scheduled exports lie; only this user may read them."""
    made = settings.home() / "exports"
    made.mkdir(mode=0o700, parents=True, exist_ok=True)
    return made


def _done(
    conn: Connection,
    due: Schedule,
    *,
    refresh: Callable[[int], int],
    may_export: Callable[[Schedule], bool],
    exported: Callable[[Schedule, Exported, Path], None],
) -> str:
    try:
        if due.wish is None:
            return _("%d members") % refresh(due.segment_id)
        if not may_export(due):
            return _("not written: who planned it may not export any more")
        path, found = to_folder(conn, due.segment_id, due.wish)
        exported(due, found, path)
        return _("%(n)d of %(m)d written") % {"n": found.written, "m": found.members}
    except (TouchloopError, OSError) as problem:
        conn.rollback()
        return _("not done: %s") % problem


def to_folder(conn: Connection, segment_id: int, wish: Wish) -> tuple[Path, Exported]:
    """Write the file anew; a reader sees the old one or the new one, never a half."""
    slug = keeping.get(segment_id, conn=conn).slug
    path = folder() / f"{slug}.{'csv' if wish.form == 'csv' else 'jsonl'}"
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        opened = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(opened, "w", encoding="utf-8", newline="") as out:
            found = export(conn, segment_id, wish, out)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path, found


def _schedule(row: tuple[Any, ...]) -> Schedule:
    segment, act, at, zone, wishes, by, following, last, word = row
    wish = Wish(wishes["purpose"], tuple(wishes["columns"]), wishes["form"]) if wishes else None
    return Schedule(segment, act, at, zone, wish, by, following, last, word)


_READ: LiteralString = (
    "SELECT segment_id, act, at, zone, wishes, made_by, next_at, last_at, last_word"
    " FROM segment_schedules"
)
_DUE: LiteralString = _READ + " WHERE next_at <= %(now)s ORDER BY next_at, segment_id, act LIMIT 1"
_PLAN: LiteralString = """
INSERT INTO segment_schedules
  (segment_id, act, at, zone, wishes, made_by, made_at, next_at, last_word)
VALUES (%(segment)s, %(act)s, %(at)s, %(zone)s, %(wishes)s, %(by)s, %(now)s, %(next)s, '')
ON CONFLICT (segment_id, act) DO UPDATE
  SET at = excluded.at, zone = excluded.zone, wishes = excluded.wishes,
      made_by = excluded.made_by, made_at = excluded.made_at, next_at = excluded.next_at
"""
_DONE: LiteralString = """
UPDATE segment_schedules SET last_at = %(now)s, next_at = %(next)s, last_word = %(word)s
WHERE segment_id = %(segment)s AND act = %(act)s
"""
