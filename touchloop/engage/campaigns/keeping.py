"""Campaigns as they are kept: made, changed, started, paused, resumed, aborted."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

import msgspec
from django.utils.translation import gettext as _
from psycopg.types.json import Jsonb

from touchloop.channels import api as channels
from touchloop.core import locks
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid, NotFound
from touchloop.engage.campaigns.audience import join
from touchloop.engage.campaigns.plan import Plan, parse, to_json
from touchloop.insight.segments import api as segments

DRAFT, RUNNING, PAUSED, DONE, ABORTED = "draft", "running", "paused", "done", "aborted"
OUT_OF_THE_WAY = "campaign paused"
# A segment made for any other purpose must not drive selling.
SELLING = frozenset({"personalise", "marketing", "profile"})


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign as it stands. `plan` is its JSON; see `parse`."""

    id: int
    slug: str
    name: str
    plan: dict[str, Any]
    state: str
    seed: str
    created_by: int | None
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    followed_at: datetime | None
    ended_at: datetime | None
    trouble: str  # the fault for which it was paused, else empty

    @property
    def parsed(self) -> Plan:
        return parse(self.plan)

    @property
    def alone(self) -> bool:
        """Whether one transaction at a time must feed from it: a throttle counts what all did."""
        return self.plan.get("per_minute") is not None or self.plan.get("audience") == "following"


def create(
    conn: Connection,
    *,
    name: str,
    plan: Any,
    now: datetime,
    actor: int | None = None,
    slug: str = "",
    seed: str = "",
) -> Campaign:
    """Make a draft. Raises Invalid. Does not commit."""
    name = _named(name)
    said = _checked(conn, plan)
    row = conn.execute(
        "INSERT INTO campaigns (slug, name, plan, state, seed, created_by, created_at, updated_at)"
        " VALUES (%s,%s,%s,'draft',%s,%s,%s,%s) RETURNING id",
        (_free_slug(conn, slug or name), name, Jsonb(said), seed or secrets.token_hex(8), actor,
         now, now),
    ).fetchone()  # fmt: skip
    assert row is not None
    return get(conn, row[0])


def change(
    conn: Connection, campaign_id: int, *, now: datetime, name: str | None = None, plan: Any = None
) -> Campaign:
    """Change a draft. Of one that has begun only the window and the throttle can be changed."""
    before = get(conn, campaign_id, lock=True)
    said = before.plan if plan is None else _checked(conn, plan)
    if before.state != DRAFT and _paced(parse(said)) != _paced(before.parsed):
        raise Invalid("plan", _("once begun, only the window and the throttle can be changed"))
    conn.execute(
        "UPDATE campaigns SET name = %s, plan = %s, updated_at = %s WHERE id = %s",
        (_named(name or before.name), Jsonb(said), now, campaign_id),
    )
    return get(conn, campaign_id)


def start(conn: Connection, campaign_id: int, *, now: datetime) -> Campaign:
    """Take in the audience as it is now, and begin. Does not commit."""
    found = _move(conn, campaign_id, RUNNING, (DRAFT,), now)
    conn.execute(
        "UPDATE campaigns SET started_at = %s, followed_at = %s WHERE id = %s",
        (now, now, campaign_id),
    )
    join(conn, campaign_id, found.parsed, found.seed, now, since=None)
    return get(conn, campaign_id)


def pause(conn: Connection, campaign_id: int, *, now: datetime) -> Campaign:
    """Stop sending; what waits in the outbox comes back to the campaign and is asked for anew."""
    found = _move(conn, campaign_id, PAUSED, (RUNNING,), now)
    channels.cancel(conn, campaign_id=campaign_id, reason=OUT_OF_THE_WAY, now=now)
    conn.execute(_TAKE_BACK, {"id": campaign_id, "reason": OUT_OF_THE_WAY, "now": now})
    return found


def resume(conn: Connection, campaign_id: int, *, now: datetime) -> Campaign:
    """Go on where it was paused; a following audience takes in who entered meanwhile."""
    return _move(conn, campaign_id, RUNNING, (PAUSED,), now)


def abort(conn: Connection, campaign_id: int, *, now: datetime) -> Campaign:
    """End it at once: nobody else is written to, what is queued is cancelled. Does not commit."""
    _move(conn, campaign_id, ABORTED, (DRAFT, RUNNING, PAUSED), now)
    conn.execute("UPDATE campaigns SET ended_at = %s WHERE id = %s", (now, campaign_id))
    conn.execute(
        "UPDATE campaign_members SET state = 'cancelled', reason = 'campaign aborted'"
        " WHERE campaign_id = %s AND state = 'waiting'",
        (campaign_id,),
    )
    channels.cancel(conn, campaign_id=campaign_id, reason="campaign aborted", now=now)
    return get(conn, campaign_id)


def finish(conn: Connection, campaign_id: int, *, now: datetime) -> Campaign:
    """End one that follows its segment: nobody joins any more; what is queued is still sent."""
    _move(conn, campaign_id, DONE, (RUNNING, PAUSED), now)
    conn.execute("UPDATE campaigns SET ended_at = %s WHERE id = %s", (now, campaign_id))
    conn.execute(
        "UPDATE campaign_members SET state = 'cancelled', reason = 'campaign finished'"
        " WHERE campaign_id = %s AND state = 'waiting'",
        (campaign_id,),
    )
    return get(conn, campaign_id)


def get(conn: Connection, campaign_id: int, *, lock: bool = False) -> Campaign:
    """One campaign; with `lock` to be changed, once nobody feeds from it. Raises NotFound."""
    if lock:
        conn.execute(_HELD_ALONE, (campaign_id,))
    query = f"{_SELECT} WHERE id = %s {'FOR UPDATE' if lock else ''}"
    row = conn.execute(query.encode(), (campaign_id,)).fetchone()
    if row is None:
        raise NotFound(_("There is no campaign of this number."))
    return Campaign(*row)


def listing(conn: Connection) -> list[Campaign]:
    """All campaigns, the newest first."""
    rows = conn.execute(f"{_SELECT} ORDER BY created_at DESC, id DESC".encode()).fetchall()
    return [Campaign(*row) for row in rows]


def running(conn: Connection) -> list[int]:
    """The campaigns that run now, by number."""
    rows = conn.execute("SELECT id FROM campaigns WHERE state = 'running' ORDER BY id").fetchall()
    return [row[0] for row in rows]


def take(conn: Connection, campaign_id: int) -> Campaign | None:
    """A running campaign that nobody moves or changes until the transaction ends; None when it
    stands. Others may take it as well, unless it is `alone`: then it waits for them."""
    seen = _running(conn, campaign_id)
    if seen is None:
        return None
    conn.execute(_HELD_ALONE if seen.alone else _HELD, (campaign_id,))
    found = _running(conn, campaign_id)
    return found if found is not None and found.alone == seen.alone else None


def _running(conn: Connection, campaign_id: int) -> Campaign | None:
    query = f"{_SELECT} WHERE id = %s AND state = 'running'"
    row = conn.execute(query.encode(), (campaign_id,)).fetchone()
    return Campaign(*row) if row else None


def stop_for(conn: Connection, campaign_id: int, words: str, *, now: datetime) -> None:
    """Pause it because of a fault that stays until somebody has looked at it."""
    conn.execute(
        "UPDATE campaigns SET state = 'paused', updated_at = %s, trouble = %s WHERE id = %s",
        (now, words[:500], campaign_id),
    )


def _move(
    conn: Connection, campaign_id: int, state: str, out_of: tuple[str, ...], now: datetime
) -> Campaign:
    before = get(conn, campaign_id, lock=True)
    if before.state not in out_of:
        raise Invalid("state", _("it is %s") % before.state)
    conn.execute(
        "UPDATE campaigns SET state = %s, updated_at = %s, trouble = '' WHERE id = %s",
        (state, now, campaign_id),
    )
    return get(conn, campaign_id)


def _paced(plan: Plan) -> Plan:
    """The plan without what may be changed at any time."""
    return msgspec.structs.replace(plan, window=None, per_minute=None)


def _named(name: str) -> str:
    if not 1 <= len(name.strip()) <= 200:
        raise Invalid("name", _("a name is needed"))
    return name.strip()


def _checked(conn: Connection, plan: Any) -> dict[str, Any]:
    """Its JSON, if its segment is there and was made for such a purpose."""
    parsed = parse(plan)
    try:
        segment = segments.get(parsed.segment, conn=conn)
    except NotFound:
        raise Invalid("segment", _("there is no segment number %d") % parsed.segment) from None
    if parsed.kind == "marketing" and segment.purpose not in SELLING:
        raise Invalid(
            "segment", _("it was made for another purpose (%s) than selling") % segment.purpose
        )
    return to_json(parsed)


def _free_slug(conn: Connection, name: str) -> str:
    base = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60] or "campaign"
    rows = conn.execute(
        "SELECT slug FROM campaigns WHERE starts_with(slug, %s)", (base,)
    ).fetchall()
    taken = {row[0] for row in rows}
    return next(
        x for n in range(len(taken) + 1) if (x := f"{base}-{n + 1}" if n else base) not in taken
    )


_SELECT = (
    "SELECT id, slug, name, plan, state, seed, created_by, created_at, updated_at, started_at,"
    " followed_at, ended_at, trouble FROM campaigns"
)

# Advisory, because they are given in turn: to change a row waits for ever while others share it.
_HELD: LiteralString = f"SELECT pg_advisory_xact_lock_shared({locks.CAMPAIGN}, %s)"
_HELD_ALONE: LiteralString = f"SELECT pg_advisory_xact_lock({locks.CAMPAIGN}, %s)"

_TAKE_BACK = """
UPDATE campaign_members m
SET state = 'waiting', turn = turn + 1, next_at = %(now)s, delivery_id = NULL, asked_at = NULL
FROM deliveries d
WHERE m.campaign_id = %(id)s AND m.state = 'asked' AND d.id = m.delivery_id
  AND d.state = 'dropped' AND d.reason = %(reason)s
"""
