"""Rules as they are kept: made, changed with a version each, paused, deleted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from psycopg import errors
from psycopg.types.json import Jsonb

from touchloop.consent.api import PURPOSES
from touchloop.core import db
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid, NotFound
from touchloop.insight.segments import grammar as g
from touchloop.insight.segments.described import order
from touchloop.insight.segments.parsing import parse, to_json
from touchloop.insight.segments.sentence import sentence

STATES = ("live", "paused", "draft")


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment as it stands."""

    id: int
    slug: str
    name: str
    sentence: str
    rule: Any
    purpose: str
    state: str
    version: int
    created_at: datetime
    updated_at: datetime
    filled_at: datetime | None
    members: int
    counted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Version:
    """One rule that a segment had."""

    version: int
    rule: Any
    at: datetime
    actor_id: int | None
    before_count: int | None
    after_count: int | None


def create(
    name: str,
    *,
    rule: Any,
    purpose: str,
    actor: int | None,
    now: datetime,
    state: str = "live",
    slug: str = "",
    conn: Connection | None = None,
) -> Segment:
    """Make a segment. A live one is decided for whoever is touched from now on; fill it as well."""
    _check(name, purpose, state)
    with _within(conn) as own:
        parsed = _parsed(own, rule, None)
        row = own.execute(
            "INSERT INTO segments (slug, name, sentence, rule, purpose, state, version, created_by,"
            " created_at, updated_at, members) VALUES (%s,%s,%s,%s,%s,%s,1,%s,%s,%s,0)"
            " RETURNING id",
            (_free_slug(own, slug or name), name.strip(), _sentence(own, parsed),
             Jsonb(to_json(parsed)), purpose, state, actor, now, now),
        ).fetchone()  # fmt: skip
        assert row is not None
        _remember(own, row[0], actor, now, (None, None))
        return get(row[0], conn=own)


def change(
    segment_id: int,
    *,
    actor: int | None,
    now: datetime,
    name: str | None = None,
    rule: Any = None,
    purpose: str | None = None,
    counts: tuple[int | None, int | None] = (None, None),
    conn: Connection | None = None,
) -> Segment:
    """Change what is given. A new rule or purpose is a new version, kept with its `counts`."""
    with _within(conn) as own:
        before = get(segment_id, conn=own, lock=True)
        _check(name or before.name, purpose or before.purpose, before.state)
        parsed = _parsed(own, before.rule if rule is None else rule, segment_id)
        fresh = to_json(parsed) != before.rule or (purpose or before.purpose) != before.purpose
        own.execute(
            "UPDATE segments SET name = %s, rule = %s, sentence = %s, purpose = %s,"
            " version = version + %s, updated_at = %s,"
            " filled_at = CASE WHEN %s THEN NULL ELSE filled_at END WHERE id = %s",
            ((name or before.name).strip(), Jsonb(to_json(parsed)), _sentence(own, parsed),
             purpose or before.purpose, int(fresh), now, fresh, segment_id),
        )  # fmt: skip
        if fresh:
            _remember(own, segment_id, actor, now, counts)
        return get(segment_id, conn=own)


def set_state(
    segment_id: int, state: str, *, now: datetime, conn: Connection | None = None
) -> Segment:
    """Set live, paused or draft. What is not live keeps its members as they are; fill on return."""
    with _within(conn) as own:
        before = get(segment_id, conn=own, lock=True)
        _check(before.name, before.purpose, state)
        own.execute(
            "UPDATE segments SET state = %s, updated_at = %s,"
            " filled_at = CASE WHEN state = %s THEN filled_at END WHERE id = %s",
            (state, now, state, segment_id),
        )
        if state == "live":  # decided by event again, not by the clock
            own.execute(_NO_REFRESH, (segment_id,))
        return get(segment_id, conn=own)


def delete(segment_id: int, *, conn: Connection | None = None) -> None:
    """Delete a segment with its members; Invalid while other segments ask about it."""
    with _within(conn) as own:
        get(segment_id, conn=own, lock=True)
        users = [s.name for s in listing(conn=own) if segment_id in _asks(s) and s.id != segment_id]
        if users:
            raise Invalid("segment", _("it is used by %s") % ", ".join(users))
        own.execute("DELETE FROM segment_members WHERE segment_id = %s", (segment_id,))
        own.execute("DELETE FROM segment_versions WHERE segment_id = %s", (segment_id,))
        own.execute("DELETE FROM segment_schedules WHERE segment_id = %s", (segment_id,))
        own.execute("DELETE FROM segment_sizes WHERE segment_id = %s", (segment_id,))
        own.execute("DELETE FROM segments WHERE id = %s", (segment_id,))


def get(segment_id: int, *, conn: Connection | None = None, lock: bool = False) -> Segment:
    """One segment; NotFound when there is none."""
    with _within(conn) as own:
        query = f"{_SELECT} WHERE id = %s {'FOR UPDATE' if lock else ''}"
        row = own.execute(query.encode(), (segment_id,)).fetchone()
    if row is None:
        raise NotFound(_("There is no segment of this number."))
    return Segment(*row)


def listing(*, conn: Connection | None = None) -> list[Segment]:
    """All segments by name."""
    with _within(conn) as own:
        rows = own.execute(f"{_SELECT} ORDER BY lower(name), id".encode()).fetchall()
    return [Segment(*row) for row in rows]


def versions(segment_id: int, *, conn: Connection | None = None) -> list[Version]:
    """The rules a segment had, the newest first."""
    with _within(conn) as own:
        rows = own.execute(
            "SELECT version, rule, at, actor_id, before_count, after_count FROM segment_versions"
            " WHERE segment_id = %s ORDER BY version DESC",
            (segment_id,),
        ).fetchall()
    return [Version(*row) for row in rows]


def dependants(segment_id: int, *, conn: Connection | None = None) -> list[Segment]:
    """Segments that ask about this one, directly."""
    return [s for s in listing(conn=conn) if segment_id in _asks(s)]


_NO_REFRESH = "DELETE FROM segment_schedules WHERE segment_id = %s AND act = 'refresh'"
_SELECT = (
    "SELECT id, slug, name, sentence, rule, purpose, state, version, created_at, updated_at,"
    " filled_at, members, counted_at FROM segments"
)


def _check(name: str, purpose: str, state: str) -> None:
    if not 1 <= len(name.strip()) <= g.MAX_TEXT:
        raise Invalid("name", _("a name is needed"))
    if purpose not in PURPOSES:
        raise Invalid("purpose", _("one of %s is expected") % ", ".join(PURPOSES))
    if state not in STATES:
        raise Invalid("state", _("one of %s is expected") % ", ".join(STATES))


def _parsed(conn: Connection, rule: Any, segment_id: int | None) -> g.Rule:
    """The rule, if the segments it asks about are there and do not ask back."""
    parsed = parse(rule)
    others = {s.id: parse(s.rule) for s in listing(conn=conn)} if g.needs_segments(parsed) else {}
    for asked in g.needs_segments(parsed):
        if asked not in others:
            raise Invalid("rule", _("there is no segment number %d") % asked)
    others[segment_id or 0] = parsed
    order(g.RuleSet(tuple(others.items())))
    return parsed


def _asks(segment: Segment) -> frozenset[int]:
    return g.needs_segments(parse(segment.rule))


def _sentence(conn: Connection, rule: g.Rule) -> str:
    asked = list(g.needs_segments(rule))
    rows = conn.execute("SELECT id, name FROM segments WHERE id = ANY(%s)", (asked,)).fetchall()
    return sentence(rule, segments=dict(rows))


def _free_slug(conn: Connection, name: str) -> str:
    base = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60] or "segment"
    rows = conn.execute("SELECT slug FROM segments WHERE starts_with(slug, %s)", (base,)).fetchall()
    taken = {row[0] for row in rows}
    return next(
        x for n in range(len(taken) + 1) if (x := f"{base}-{n + 1}" if n else base) not in taken
    )


def _remember(
    conn: Connection,
    segment_id: int,
    actor: int | None,
    now: datetime,
    counts: tuple[int | None, int | None],
) -> None:
    conn.execute(
        "INSERT INTO segment_versions"
        " (segment_id, version, rule, at, actor_id, before_count, after_count)"
        " SELECT id, version, rule, %s, %s, %s, %s FROM segments WHERE id = %s",
        (now, actor, *counts, segment_id),
    )


@contextmanager
def _within(conn: Connection | None) -> Iterator[Connection]:
    """The caller's transaction, or one of our own."""
    if conn is not None:
        yield conn
        return
    with db.connect() as own:
        try:
            yield own
        except errors.UniqueViolation:
            raise Invalid("name", _("a segment of this name was made just now")) from None
