"""Campaigns as experiments: each arm against the holdout that was drawn with it.

The arms are drawn by lot when somebody joins (audience.py): that moment parts the sides. What was
known before it may be learned from, and the time for the goal runs from it. Everybody counts in the
arm into which they were drawn, written to or not; what was simulated reaches no goal.

What was not drawn tells nothing: a campaign without a holdout or a goal, one that was broken off,
one whose sides are not of the planned shares.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt

from django.utils.translation import gettext as _

from touchloop.core.db import Connection
from touchloop.engage.campaigns import keeping
from touchloop.engage.campaigns.keeping import Campaign
from touchloop.engage.campaigns.plan import Plan
from touchloop.insight.uplift.api import CAMPAIGN, Trial

# Standard errors between an arm and its planned share: chance does that in 7 of a million.
OFF = 4.5


@dataclass(frozen=True, slots=True)
class Tried:
    """A campaign as an experiment. `refused` says in words why nothing may be learned from it.

    `sides` are the people drawn into each arm, the holdout under ""; `ends` is when the time for
    the goal of the latest of them is over.
    """

    id: int
    experiment: str  # its name in uplift
    name: str
    sides: dict[str, int]
    ends: datetime | None
    refused: str


def experiments(conn: Connection) -> list[Tried]:
    """All campaigns that have begun, the newest first."""
    drawn: dict[int, dict[str, int]] = {}
    last: dict[int, datetime] = {}
    for campaign, arm, n, joined in conn.execute(_DRAWN).fetchall():
        drawn.setdefault(campaign, {})[arm] = n
        last[campaign] = max(joined, last.get(campaign, joined))
    return [
        _tried(each, drawn.get(each.id, {}), last.get(each.id))
        for each in keeping.listing(conn)
        if each.state != keeping.DRAFT
    ]


def settled(
    conn: Connection, tried: Tried, *, since: datetime | None, until: datetime
) -> list[Trial]:
    """Its members whose time for the goal ended within (since, until]; none of a refused one."""
    goal = keeping.get(conn, tried.id).parsed.goal
    if tried.refused or goal is None:
        return []
    values = {
        "campaign": tried.id, "event": goal.event, "time": timedelta(days=goal.days),
        "since": since, "until": until,
    }  # fmt: skip
    arms = len(set(tried.sides) - {""})
    return [
        Trial(
            tried.experiment, subject, bool(arm), float(reached), joined,
            joined + timedelta(days=goal.days), arm if arms > 1 else "",
        )
        for subject, arm, joined, reached in conn.execute(_SETTLED, values).fetchall()
    ]  # fmt: skip


def _tried(campaign: Campaign, sides: dict[str, int], joined: datetime | None) -> Tried:
    plan = campaign.parsed
    ends = joined + timedelta(days=plan.goal.days) if joined and plan.goal else None
    return Tried(
        campaign.id, f"{CAMPAIGN}{campaign.slug}", campaign.name, sides, ends,
        _refused(campaign, plan, sides),
    )  # fmt: skip


def _refused(campaign: Campaign, plan: Plan, sides: dict[str, int]) -> str:
    if not plan.holdout:
        return _("it has no holdout: nobody was drawn who did not get it")
    if plan.goal is None:
        return _("it has no goal: nothing tells what came of it")
    if campaign.state == keeping.ABORTED:
        return _("it was broken off: who had been written to by then was not drawn by lot")
    names, ends = plan.arms
    n = sum(sides.values())
    for name, since, until in zip(names, (0.0, *ends), (*ends, 1.0), strict=True):
        share = until - since
        expected = share * n
        if abs(sides.get(name, 0) - expected) > OFF * sqrt(n * share * (1 - share)) + 1:
            return _(
                "its sides are not of the planned shares (%(arm)s: %(n)d of %(all)d, planned"
                " %(share).1f %%): they were not drawn by lot"
            ) % {"arm": name or _("holdout"), "n": sides.get(name, 0), "all": n,
                 "share": 100 * share}  # fmt: skip
    return ""


_DRAWN = """
SELECT campaign_id, variant, count(*), max(joined_at) FROM campaign_members GROUP BY 1, 2
"""
_SETTLED = """
WITH goals AS (SELECT id FROM kinds WHERE name = %(event)s AND type <> 'system')
SELECT m.subject_id, m.variant, m.joined_at, EXISTS (
    SELECT FROM identifiers a JOIN identifiers b ON b.customer_id = a.customer_id
    JOIN interactions x ON x.subject_id = b.id
    WHERE a.id = m.subject_id AND x.occurred_at > m.joined_at
      AND x.occurred_at <= m.joined_at + %(time)s AND x.kind_id IN (SELECT id FROM goals)
      AND NOT (x.body LIKE '%%simulat%%' AND x.body::json #>> '{properties,simulated}' = 'true'))
FROM campaign_members m
WHERE m.campaign_id = %(campaign)s AND m.joined_at + %(time)s <= %(until)s
  AND (%(since)s::timestamptz IS NULL OR m.joined_at + %(time)s > %(since)s)
ORDER BY m.joined_at, m.subject_id
"""
