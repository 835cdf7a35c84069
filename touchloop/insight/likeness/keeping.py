"""Comparisons as they are kept: asked for, computed by a worker, read by pages."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from psycopg.types.json import Jsonb

from touchloop.core import locks
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid, TouchloopError
from touchloop.core.proportions import Share
from touchloop.insight.likeness.contrast import Contrast, Difference, contrast
from touchloop.insight.models import api as models
from touchloop.insight.segments import api as segments

LONGEST = 300  # differences that are kept

log = logging.getLogger("touchloop.likeness")


@dataclass(frozen=True, slots=True)
class Asked:
    """A comparison. `waits`: a worker is still to compute it; `found` may be of an earlier time."""

    one: int
    other: int
    asked_at: datetime
    waits: bool
    computed_at: datetime | None
    found: Contrast | None
    trouble: str


def ask(conn: Connection, one: int, other: int, *, by: int | None, now: datetime) -> None:
    """Have two segments compared (`other` 0: with everybody else), or compared again.

    NotFound for an unknown segment, Invalid for one with itself. Commits with the caller.
    """
    segments.get(one, conn=conn)
    if other:
        segments.get(other, conn=conn)
    if one == other:
        raise Invalid("with", _("Choose another segment to compare with."))
    conn.execute(_TIDY)
    conn.execute(_ASK, {"one": one, "other": other, "by": by, "now": now})


def asked(conn: Connection, one: int, other: int) -> Asked | None:
    """One comparison."""
    row = conn.execute(_READ, (one, other)).fetchone()
    if row is None:
        return None
    at, waits, computed, found, trouble = row
    return Asked(one, other, at, waits, computed, _contrast(found) if found else None, trouble)


def compare_waiting(conn: Connection, now: datetime) -> int:
    """Compute what was asked for, one worker at a time; gives how many. Commits each."""
    done = 0
    if not _alone(conn):
        return done
    try:
        while row := conn.execute(_NEXT).fetchone():
            id, one, other = row
            found, trouble = _computed(conn, one, other, now)
            conn.execute(
                "UPDATE contrasts SET waits = false, computed_at = %s, trouble = %s,"
                " found = coalesce(%s, found) WHERE id = %s",
                (now, trouble, Jsonb(found) if found else None, id),
            )
            conn.commit()
            done += 1
    finally:
        conn.execute("SELECT pg_advisory_unlock(%s)", (locks.LIKENESS,))
        conn.commit()
    return done


def _computed(
    conn: Connection, one: int, other: int, now: datetime
) -> tuple[dict[str, Any] | None, str]:
    try:
        with models.open_run(conn, "profile", now=now) as run:
            made = contrast(run, one, other)
    except TouchloopError as problem:
        conn.rollback()
        return None, str(problem)
    except Exception as problem:
        conn.rollback()
        log.exception("a comparison failed")
        return None, type(problem).__name__
    found = asdict(made)
    found["since"] = made.since.isoformat()
    found["compared"] = len(made.differences)
    found["differences"] = found["differences"][:LONGEST]
    return found, ""


def _contrast(found: dict[str, Any]) -> Contrast:
    differences = tuple(
        Difference(**{**each, "one": Share(**each["one"]), "other": Share(**each["other"])})
        for each in found["differences"]
    )
    return Contrast(
        found["one"],
        found["other"],
        found["both"],
        datetime.fromisoformat(found["since"]),
        differences,
        found["compared"],
    )


def _alone(conn: Connection) -> bool:
    """Only when something waits: no lock is asked for otherwise."""
    if conn.execute(_NEXT).fetchone() is None:
        conn.rollback()
        return False
    row = conn.execute("SELECT pg_try_advisory_lock(%s)", (locks.LIKENESS,)).fetchone()
    conn.commit()
    return bool(row and row[0])


_ASK = """
INSERT INTO contrasts (one_id, other_id, asked_at, asked_by, waits, trouble)
VALUES (%(one)s, %(other)s, %(now)s, %(by)s, true, '')
ON CONFLICT (one_id, other_id) DO UPDATE
  SET waits = true, asked_at = excluded.asked_at, asked_by = excluded.asked_by
"""
_READ = (
    "SELECT asked_at, waits, computed_at, found, trouble FROM contrasts"
    " WHERE one_id = %s AND other_id = %s"
)
_NEXT = "SELECT id, one_id, other_id FROM contrasts WHERE waits ORDER BY asked_at, id LIMIT 1"
_TIDY = """
DELETE FROM contrasts c
WHERE NOT EXISTS (SELECT FROM segments s WHERE s.id = c.one_id)
   OR (c.other_id <> 0 AND NOT EXISTS (SELECT FROM segments s WHERE s.id = c.other_id))
"""
