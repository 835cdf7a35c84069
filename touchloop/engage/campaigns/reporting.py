"""The live report of a campaign: each rate with its n and its interval, uplift against the holdout.

Everybody is counted in the arm into which they were drawn, written to or not, and from the moment
they joined: so the arms differ by the campaign alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from touchloop.core.db import Connection
from touchloop.core.proportions import Gain, Share, gain, share
from touchloop.engage.campaigns import keeping

CLICKED, OPENED = "Message Clicked", "Message Opened"


@dataclass(frozen=True, slots=True)
class Arm:
    """One variant, or the holdout (name ""). `n` members; the shares of messages are of those
    handed over, the share who came to the goal is of all members.
    """

    name: str
    n: int
    waiting: int
    asked: int
    handed: int
    confirmed: Share
    bounced: Share
    opened: Share
    clicked: Share
    converted: Share
    gained: Gain | None


@dataclass(frozen=True, slots=True)
class Report:
    """A campaign as it stands. `held`: members not written to, by reason. `ended`: members whose
    time for the goal is over, so that it can be said how much is still to come.
    """

    campaign_id: int
    state: str
    audience: int
    waiting: int
    held: dict[str, int]
    outcomes: dict[str, int]
    goal: str
    days: int
    ended: int
    arms: tuple[Arm, ...]
    holdout: Arm | None
    gained: Gain | None


def report(conn: Connection, campaign_id: int, *, now: datetime) -> Report:
    """Counted now. Raises NotFound."""
    campaign = keeping.get(conn, campaign_id)
    plan = campaign.parsed
    goal, days = (plan.goal.event, plan.goal.days) if plan.goal else ("", 0)
    values = {
        "campaign": campaign_id,
        "event": goal,
        "time": timedelta(days=days),
        "now": now,
        "clicked": CLICKED,
        "opened": OPENED,
    }
    counted = {row[0]: row[1:] for row in conn.execute(_ARMS, values).fetchall()}
    held = counted.get("")
    rest = share(held[8], held[0]) if held else share(0, 0)
    order = [variant.name for variant in plan.variants if variant.name in counted]
    arms = tuple(_arm(name, counted[name], rest) for name in order)
    treated = share(sum(a.converted.x for a in arms), sum(a.n for a in arms))
    held_back: dict[str, int] = dict(conn.execute(_HELD, values).fetchall())
    outcomes: dict[str, int] = dict(conn.execute(_OUTCOMES, values).fetchall())
    return Report(
        campaign_id=campaign_id,
        state=campaign.state,
        audience=sum(row[0] for row in counted.values()),
        waiting=sum(row[1] for row in counted.values()),
        held=held_back,
        outcomes=outcomes,
        goal=goal,
        days=days,
        ended=sum(row[9] for row in counted.values()),
        arms=arms,
        holdout=_arm("", held, None) if held else None,
        gained=gain(treated, rest) if goal else None,
    )


def _arm(name: str, row: tuple[int, ...], rest: Share | None) -> Arm:
    n, waiting, asked, handed, confirmed, bounced, opened, clicked, converted, _ = row
    came = share(converted, n)
    return Arm(
        name=name,
        n=n,
        waiting=waiting,
        asked=asked,
        handed=handed,
        confirmed=share(confirmed, handed),
        bounced=share(bounced, handed),
        opened=share(min(opened, handed), handed),
        clicked=share(min(clicked, handed), handed),
        converted=came,
        gained=gain(came, rest) if rest is not None else None,
    )


_ARMS = """
WITH members AS (
  SELECT m.variant, m.subject_id, m.state, m.joined_at, d.id AS delivery, d.state AS outcome,
         d.handed_at
  FROM campaign_members m LEFT JOIN deliveries d ON d.id = m.delivery_id
  WHERE m.campaign_id = %(campaign)s AND m.reason <> 'same customer'
), told AS (
  SELECT DISTINCT k.name, x.subject_id
  FROM interactions x JOIN kinds k ON k.id = x.kind_id AND k.name IN (%(clicked)s, %(opened)s)
  WHERE x.subject_id IN (SELECT subject_id FROM members WHERE handed_at IS NOT NULL)
    AND x.occurred_at >= (SELECT min(joined_at) FROM members)
    AND (x.body::json #>> '{properties,campaign_id}') = %(campaign)s::text
), goals AS (
  SELECT id FROM kinds WHERE name = %(event)s AND type <> 'system'
)
SELECT m.variant, count(*), count(*) FILTER (WHERE m.state = 'waiting'),
       count(*) FILTER (WHERE m.state = 'asked'),
       count(m.handed_at),
       count(*) FILTER (WHERE m.outcome = 'confirmed'),
       count(*) FILTER (WHERE m.outcome = 'bounced' AND m.handed_at IS NOT NULL),
       count(*) FILTER (WHERE EXISTS (
         SELECT FROM told WHERE told.subject_id = m.subject_id AND told.name = %(opened)s)),
       count(*) FILTER (WHERE EXISTS (
         SELECT FROM told WHERE told.subject_id = m.subject_id AND told.name = %(clicked)s)),
       count(*) FILTER (WHERE EXISTS (
         SELECT FROM identifiers a JOIN identifiers b ON b.customer_id = a.customer_id
         JOIN interactions x ON x.subject_id = b.id
         WHERE a.id = m.subject_id AND x.occurred_at > m.joined_at
           AND x.occurred_at <= m.joined_at + %(time)s
           AND x.kind_id IN (SELECT id FROM goals))),
       count(*) FILTER (WHERE m.joined_at + %(time)s <= %(now)s)
FROM members m GROUP BY 1
"""

# What the channels said at once, what happened to a message later, and who left before.
_HELD = """
SELECT coalesce(nullif(m.reason, ''), d.reason, m.state), count(*)
FROM campaign_members m LEFT JOIN deliveries d ON d.id = m.delivery_id
WHERE m.campaign_id = %(campaign)s
  AND (m.state IN ('held', 'left', 'cancelled') OR d.state IN ('dropped', 'suppressed')
       OR (m.state = 'waiting' AND m.reason <> '') OR d.state = 'deferred')
GROUP BY 1
"""

_OUTCOMES = """
SELECT d.state, count(*)
FROM campaign_members m JOIN deliveries d ON d.id = m.delivery_id
WHERE m.campaign_id = %(campaign)s GROUP BY 1
"""
