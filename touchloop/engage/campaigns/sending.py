"""Feeding the channels: in sets, inside the window, under the throttle, each member once.

Members are claimed, so any number of processes may feed from one campaign. Where there is a
throttle, one transaction at a time does, so that it is exact: what was asked for in the last sixty
seconds and what is asked for now never exceed it, whatever the clock does.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg

from touchloop.channels import api as channels
from touchloop.channels.api import Requested, Straight, Wanted
from touchloop.core import arrays
from touchloop.core.db import Connection
from touchloop.engage.campaigns import keeping
from touchloop.engage.campaigns.audience import join
from touchloop.engage.campaigns.keeping import Campaign
from touchloop.engage.campaigns.plan import Plan

LIMIT = 2_000
MINUTE = timedelta(seconds=60)
LOOK_FOR_ENTRIES = timedelta(seconds=2)
# An entry carries the moment its batch began, and is seen when that is committed.
OVERLAP = timedelta(minutes=15)
REFUSED = frozenset({"dropped", "suppressed"})
ASKED, HELD, LEFT, WAITING = "asked", "held", "left", "waiting"

log = logging.getLogger("touchloop.engage")


@dataclass(slots=True)
class Member:
    """A claimed member, and what becomes of it in this turn."""

    subject_id: int
    customer_id: int
    variant: str
    turn: int
    twin: bool
    inside: bool
    state: str = WAITING
    reason: str = ""
    next_at: datetime | None = None
    delivery_id: int | None = None

    @property
    def open(self) -> bool:
        return self.state == WAITING and self.next_at is None


def send(conn: Connection, now: datetime) -> int:
    """One chunk of each running campaign: what may go now goes straight out, the rest waits in the
    outbox. Returns the members dealt with.

    Commits by itself: call it with no open transaction.
    """
    dealt = 0
    for id in keeping.running(conn):
        with channels.straight(conn) as straight:
            dealt += feed(conn, id, now, straight=straight)
            conn.commit()
            channels.hand_straight(conn, straight, now)
    return dealt


def feed(
    conn: Connection,
    id: int,
    now: datetime,
    *,
    limit: int | None = None,
    straight: Straight | None = None,
) -> int:
    """Ask for up to `limit` members of a campaign, or a chunk of its channels' size.

    In the caller's transaction, which commits before anything goes `straight`. A campaign that
    fails is paused with the words of its fault. Returns the members dealt with.
    """
    campaign = keeping.take(conn, id)
    if campaign is None:
        return 0
    try:
        with conn.transaction():
            return _feed(conn, campaign, now, limit, straight)
    except (psycopg.OperationalError, psycopg.InterfaceError):
        raise  # the database is away, or two transactions met: the caller comes again
    except Exception as error:
        log.exception("campaign %d is paused", campaign.id)
        keeping.stop_for(conn, campaign.id, f"{type(error).__name__}: {error}", now=now)
        return 0


def _feed(
    conn: Connection,
    campaign: Campaign,
    now: datetime,
    limit: int | None,
    straight: Straight | None,
) -> int:
    plan = campaign.parsed
    if limit is None:
        limit = channels.chunk(plan.channels)
    _follow(conn, campaign, plan, now)
    if plan.window is not None and not plan.window.open(now):
        return 0
    dealt = 0
    while dealt < limit:
        room = min(limit - dealt, _allowance(conn, campaign, plan, now))
        members = _claim(conn, campaign, plan, now, room) if room > 0 else []
        if not members:
            break
        _sort_out(conn, plan, members, now)
        _ask(conn, campaign, plan, [member for member in members if member.open], now, straight)
        _write(conn, campaign, members, now)
        dealt += len(members)
    _end(conn, campaign, plan, now)
    return dealt


def _follow(conn: Connection, campaign: Campaign, plan: Plan, now: datetime) -> None:
    """Take in later entrants; after a pause, all of it, and a clock set back waits for nothing."""
    last = campaign.followed_at
    if plan.audience != "following" or last is None:
        return
    if timedelta() <= now - last < LOOK_FOR_ENTRIES:
        return
    join(conn, campaign.id, plan, campaign.seed, now, since=min(last, now) - OVERLAP)
    conn.execute("UPDATE campaigns SET followed_at = %s WHERE id = %s", (now, campaign.id))


def _allowance(conn: Connection, campaign: Campaign, plan: Plan, now: datetime) -> int:
    if plan.per_minute is None:
        return LIMIT
    row = conn.execute(
        "SELECT count(*) FROM campaign_members WHERE campaign_id = %s AND asked_at > %s",
        (campaign.id, now - MINUTE),
    ).fetchone()
    assert row is not None
    return max(0, plan.per_minute - int(row[0]))


def _claim(
    conn: Connection, campaign: Campaign, plan: Plan, now: datetime, limit: int
) -> list[Member]:
    rows = conn.execute(
        _CLAIM,
        {
            "campaign": campaign.id,
            "segment": plan.segment if plan.audience == "following" else None,
            "now": now,
            "limit": limit,
        },
        binary=True,
    ).fetchall()
    return [Member(*row) for row in rows]


def _sort_out(conn: Connection, plan: Plan, members: Sequence[Member], now: datetime) -> None:
    """Who left, who is another member already, and, under a throttle, whose time is not now.

    Without a throttle the outbox keeps those until their time; with one, they would all come at
    once when it does.
    """
    taken: set[int] = set()
    for member in members:
        if member.twin or member.customer_id in taken:
            member.state, member.reason = LEFT, "same customer"
        elif plan.audience == "following" and not member.inside:
            member.state, member.reason = LEFT, "left the segment"
        else:
            taken.add(member.customer_id)
    if plan.per_minute is None or not taken:
        return
    verdicts = channels.decide_contact(
        conn, sorted(taken), kind=plan.kind, topic=plan.topic, channels=plan.channels, now=now
    )
    for member in members:
        if not member.open:
            continue
        found = verdicts.get(member.customer_id, ())
        later = [v.next_at for v in found if not v.allowed and v.next_at is not None]
        if later and not any(v.allowed for v in found):
            member.next_at = max(min(later), now + timedelta(seconds=1))
            member.reason = next(v.reason for v in found if v.next_at is not None)


def _ask(
    conn: Connection,
    campaign: Campaign,
    plan: Plan,
    members: Sequence[Member],
    now: datetime,
    straight: Straight | None,
) -> None:
    variants = {variant.name: variant for variant in plan.variants}
    expires_at = now + timedelta(days=plan.days)
    said = channels.request(
        conn,
        [
            Wanted(
                subject_id=member.subject_id,
                kind=plan.kind,
                topic=plan.topic,
                template=variants[member.variant].template,
                cause=f"campaign:{campaign.id}:{member.subject_id}:{member.turn}",
                channels=plan.channels,
                data=variants[member.variant].data,
                expires_at=expires_at,
                campaign_id=campaign.id,
            )
            for member in members
        ],
        now=now,
        straight=straight,
    )
    for member, answer in zip(members, said, strict=True):
        member.delivery_id = answer.delivery_id
        member.state, member.reason = _became(answer)


def _became(answer: Requested) -> tuple[str, str]:
    if answer.delivery_id is None or answer.state in REFUSED:
        return HELD, answer.reason or answer.state
    return ASKED, ""


def _write(conn: Connection, campaign: Campaign, members: Sequence[Member], now: datetime) -> None:
    conn.execute(
        _WRITE,
        {
            "campaign": campaign.id,
            "subjects": arrays.numbers(member.subject_id for member in members),
            "states": arrays.texts(member.state for member in members),
            "reasons": arrays.texts(member.reason for member in members),
            "next": arrays.instants(member.next_at for member in members),
            "deliveries": arrays.numbers(member.delivery_id for member in members),
            "now": now,
        },
    )


def _end(conn: Connection, campaign: Campaign, plan: Plan, now: datetime) -> None:
    """A fixed audience of which nobody waits any more is done."""
    if plan.audience == "fixed":
        conn.execute(_END, {"id": campaign.id, "now": now})


# `twin`: another identifier of the same customer is a member too, and comes before this one.
# `inside` is only asked of those who follow a segment: without one, nothing is looked for.
_CLAIM = """
SELECT m.subject_id, i.customer_id, m.variant, m.turn,
       EXISTS (
         SELECT FROM identifiers j
         JOIN campaign_members o ON o.campaign_id = m.campaign_id AND o.subject_id = j.id
         WHERE j.customer_id = i.customer_id AND j.id <> m.subject_id
           AND (o.state IN ('asked', 'held', 'holdout')
                OR (o.state = 'waiting' AND o.subject_id < m.subject_id))
       ),
       EXISTS (
         SELECT FROM segment_members s
         WHERE s.customer_id = i.customer_id AND s.segment_id = %(segment)s
       )
FROM campaign_members m JOIN identifiers i ON i.id = m.subject_id
WHERE m.campaign_id = %(campaign)s AND m.state = 'waiting' AND m.next_at <= %(now)s
ORDER BY m.next_at, m.place LIMIT %(limit)s
FOR UPDATE OF m SKIP LOCKED
"""

_WRITE = """
UPDATE campaign_members m
SET state = w.state, reason = w.reason, next_at = coalesce(w.next_at, m.next_at),
    delivery_id = w.delivery_id,
    asked_at = CASE WHEN w.state = 'asked' THEN %(now)s END
FROM unnest(
  %(subjects)s::bigint[], %(states)s::text[], %(reasons)s::text[], %(next)s::timestamptz[],
  %(deliveries)s::bigint[]
) AS w(subject_id, state, reason, next_at, delivery_id)
WHERE m.campaign_id = %(campaign)s AND m.subject_id = w.subject_id
"""

_END = """
UPDATE campaigns SET state = 'done', ended_at = %(now)s, updated_at = %(now)s
WHERE id = %(id)s AND NOT EXISTS (
  SELECT FROM campaign_members WHERE campaign_id = %(id)s AND state = 'waiting'
)
"""
