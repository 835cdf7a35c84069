"""Triggers as they are kept: made, changed with a version each, paused, ended."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from psycopg.types.json import Jsonb

from touchloop.channels import api as channels
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid, NotFound
from touchloop.engage.triggers.definition import Definition, parse, to_json
from touchloop.insight.segments import api as segments

DRAFT, LIVE, PAUSED, ENDED = "draft", "live", "paused", "ended"
NAME_AT_MOST = 200
# A segment made for any other purpose must not drive selling, not even by exclusion.
SELLING = frozenset({"personalise", "marketing", "profile"})


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger as it stands. `definition` is its JSON; see `parse`."""

    id: int
    slug: str
    name: str
    definition: dict[str, Any]
    state: str
    version: int
    seed: str
    created_by: int | None
    created_at: datetime
    updated_at: datetime

    @property
    def parsed(self) -> Definition:
        return parse(self.definition)


@dataclass(frozen=True, slots=True)
class Version:
    """One definition that a trigger had."""

    version: int
    definition: dict[str, Any]
    at: datetime
    actor_id: int | None


def create(
    conn: Connection,
    *,
    name: str,
    definition: Any,
    now: datetime,
    actor: int | None = None,
    slug: str = "",
    state: str = DRAFT,
    seed: str = "",
) -> Trigger:
    """Make a trigger, a draft unless `state` says live. Raises Invalid. Does not commit."""
    name = _named(name)
    if state not in (DRAFT, LIVE):
        raise Invalid("state", _("a new trigger is a draft, or live"))
    said = _checked(conn, definition)
    row = conn.execute(
        "INSERT INTO triggers (slug, name, definition, state, version, seed, created_by,"
        " created_at, updated_at) VALUES (%s,%s,%s,%s,1,%s,%s,%s,%s) RETURNING id",
        (_free_slug(conn, slug or name), name, Jsonb(said), state, seed or secrets.token_hex(8),
         actor, now, now),
    ).fetchone()  # fmt: skip
    assert row is not None
    _remember(conn, row[0], actor, now)
    return get(conn, row[0])


def change(
    conn: Connection,
    trigger_id: int,
    *,
    now: datetime,
    actor: int | None = None,
    name: str | None = None,
    definition: Any = None,
) -> Trigger:
    """Change what is given; a new definition is a new version. Runs on their way keep theirs."""
    before = get(conn, trigger_id, lock=True)
    said = before.definition if definition is None else _checked(conn, definition)
    fresh = parse(said) != before.parsed
    conn.execute(
        "UPDATE triggers SET name = %s, definition = %s, version = version + %s, updated_at = %s"
        " WHERE id = %s",
        (_named(name or before.name), Jsonb(said), int(fresh), now, trigger_id),
    )
    if fresh:
        _remember(conn, trigger_id, actor, now)
    return get(conn, trigger_id)


def resume(conn: Connection, trigger_id: int, *, now: datetime) -> Trigger:
    """Set live, a draft or one that was paused. What became overdue meanwhile is done, or late."""
    return _set(conn, trigger_id, LIVE, (DRAFT, PAUSED, LIVE), now)


def pause(conn: Connection, trigger_id: int, *, now: datetime) -> Trigger:
    """Start nothing and do nothing; who is on the way stays there, exits go on."""
    return _set(conn, trigger_id, PAUSED, (LIVE, PAUSED), now)


def abort(conn: Connection, trigger_id: int, *, now: datetime) -> Trigger:
    """End it for good: who is on the way leaves, and what is queued is cancelled. Does not commit.

    A trigger that ended keeps its runs for its report; it cannot be set live again.
    """
    found = _set(conn, trigger_id, ENDED, (DRAFT, LIVE, PAUSED, ENDED), now)
    conn.execute(
        "UPDATE trigger_runs SET state = 'exited', reason = 'trigger ended', ended_at = %s"
        " WHERE trigger_id = %s AND state = 'waiting'",
        (now, trigger_id),
    )
    channels.cancel(conn, trigger_id=trigger_id, reason="trigger ended", now=now)
    return found


def get(conn: Connection, trigger_id: int, *, lock: bool = False) -> Trigger:
    """One trigger. Raises NotFound."""
    query = f"{_SELECT} WHERE id = %s {'FOR UPDATE' if lock else ''}"
    row = conn.execute(query.encode(), (trigger_id,)).fetchone()
    if row is None:
        raise NotFound(_("There is no trigger of this number."))
    return Trigger(*row)


def listing(conn: Connection) -> list[Trigger]:
    """All triggers by name."""
    rows = conn.execute(f"{_SELECT} ORDER BY lower(name), id".encode()).fetchall()
    return [Trigger(*row) for row in rows]


def versions(conn: Connection, trigger_id: int) -> list[Version]:
    """The definitions it had, the newest first."""
    rows = conn.execute(
        "SELECT version, definition, at, actor_id FROM trigger_versions WHERE trigger_id = %s"
        " ORDER BY version DESC",
        (trigger_id,),
    ).fetchall()
    return [Version(*row) for row in rows]


def _set(
    conn: Connection, trigger_id: int, state: str, out_of: tuple[str, ...], now: datetime
) -> Trigger:
    before = get(conn, trigger_id, lock=True)
    if before.state not in out_of:
        raise Invalid("state", _("it is %s") % before.state)
    conn.execute(
        "UPDATE triggers SET state = %s, updated_at = %s WHERE id = %s", (state, now, trigger_id)
    )
    return get(conn, trigger_id)


def _named(name: str) -> str:
    if not 1 <= len(name.strip()) <= NAME_AT_MOST:
        raise Invalid("name", _("a name is needed"))
    return name.strip()


def _checked(conn: Connection, definition: Any) -> dict[str, Any]:
    """Its JSON, if all it names is there."""
    parsed = parse(definition)
    found = {s.id: s for s in segments.listing(conn=conn)} if parsed.segment_ids else {}
    for id in sorted(parsed.segment_ids):
        if id not in found:
            raise Invalid("definition", _("there is no segment number %d") % id)
        if parsed.sells and found[id].purpose not in SELLING:
            raise Invalid(
                "definition",
                _("“%(segment)s” was made for another purpose (%(purpose)s) than selling")
                % {"segment": found[id].name, "purpose": found[id].purpose},
            )
    return to_json(parsed)


def _free_slug(conn: Connection, name: str) -> str:
    base = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60] or "trigger"
    rows = conn.execute("SELECT slug FROM triggers WHERE starts_with(slug, %s)", (base,)).fetchall()
    taken = {row[0] for row in rows}
    return next(
        x for n in range(len(taken) + 1) if (x := f"{base}-{n + 1}" if n else base) not in taken
    )


def _remember(conn: Connection, trigger_id: int, actor: int | None, now: datetime) -> None:
    conn.execute(
        "INSERT INTO trigger_versions (trigger_id, version, definition, at, actor_id)"
        " SELECT id, version, definition, %s, %s FROM triggers WHERE id = %s",
        (now, actor, trigger_id),
    )


_SELECT = (
    "SELECT id, slug, name, definition, state, version, seed, created_by, created_at, updated_at"
    " FROM triggers"
)
