"""Who uses what is captured: gathered from the rooms that use it, once a day.

What stands live uses its inputs now; a message uses them when it was last brought; a model when it
last scored. What the console's reports read is told by the pages themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import LiteralString

from touchloop.channels.api import email
from touchloop.core import locks
from touchloop.core.db import Connection
from touchloop.engage.campaigns import api as campaigns
from touchloop.engage.decisions import api as decisions
from touchloop.engage.offers import api as offers
from touchloop.engage.triggers import api as triggers
from touchloop.experience.surveys import api as surveys
from touchloop.insight.models import api as models
from touchloop.insight.motion import api as motion
from touchloop.insight.motion.api import Item, Use, What
from touchloop.insight.scores import api as scores
from touchloop.insight.segments import api as segments

# What consent, identity and the profile themselves read of messages, always.
_CONSENT: tuple[Item, ...] = (
    ("event", "Consent Given"),
    ("event", "Consent Withdrawn"),
)
# The score that is counted, not learned: how a household's spending compares with its peers'.
_PERCENTILE: tuple[Item, ...] = (
    ("event", "Order Completed"),
    ("property", "Order Completed.total"),
    ("trait", "household_size"),
    ("trait", "income"),
)


def measure_motion(conn: Connection, now: datetime) -> int:
    """Measure what is in motion when the last measurement is a day old; 1 when it was done.

    One process at a time. Commits with the caller.
    """
    if not motion.due(conn, now):
        return 0
    row = conn.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", locks.MOTION).fetchone()
    if not (row and row[0]):
        return 0
    motion.refresh(conn, uses(conn, now), now=now)
    return 1


def uses(conn: Connection, now: datetime) -> Iterator[Use]:
    """Every use that stands now."""
    yield from _told(_CONSENT, "consent", "Consent", "", "", now)
    yield from _of_segments(conn, now)
    yield from _of_scores(conn, now)
    yield from _of_decisions(conn, now)
    yield from _of_triggers(conn, now)
    yield from _of_campaigns(conn, now)
    yield from _of_messages(conn)
    yield from _of_surveys(conn, now)


def _of_segments(conn: Connection, now: datetime) -> Iterator[Use]:
    for each in segments.listing(conn=conn):
        if each.state == "live":
            found = motion.of_rule(each.rule)
            yield from _told(found, "segment", each.name, "segment_rule", str(each.id), now)


def _of_scores(conn: Connection, now: datetime) -> Iterator[Use]:
    yield from _told(_PERCENTILE, "score", scores.SPEND_PERCENTILE, "", "", now)
    for name, (in_use, _newest) in models.latest(conn).items():
        if in_use is None:
            continue
        read = (motion.of_origin(each.origin) for each in in_use.features if not each.refused)
        at = in_use.scored_at or in_use.trained_at
        yield from _told(filter(None, read), "score", name, "insight_model", name, at)


def _of_decisions(conn: Connection, now: datetime) -> Iterator[Use]:
    facts: list[Item] = [("trait", name) for name in decisions.policy(conn).settings.facts]
    yield from _told(facts, "decision", "Decisions", "decisions", "", now)
    for each in offers.live(conn).offers:
        asked: list[Item] = [
            ("trait", one.name) for _policy, rule in each.policies for one in rule.traits
        ]
        asked.append(("event", each.goal))
        yield from _told(asked, "decision", each.name, "offer", str(each.id), now)


def _of_triggers(conn: Connection, now: datetime) -> Iterator[Use]:
    for each in triggers.listing(conn):
        if each.state != "live":
            continue
        parsed = each.parsed
        found: set[Item] = set()
        for occasion in (*parsed.when, *parsed.until):
            if occasion.event:
                found.add(("event", occasion.event))
                found |= {
                    ("property", motion.property_of(occasion.event, where.path))
                    for where in occasion.where
                }
        for step in parsed.steps:
            if isinstance(step, triggers.Check):
                found |= motion.of_rule(step.rule)
        if parsed.goal is not None:
            found.add(("event", parsed.goal.event))
        yield from _told(found, "trigger", each.name, "trigger", str(each.id), now)


def _of_campaigns(conn: Connection, now: datetime) -> Iterator[Use]:
    running = set(campaigns.running(conn))
    for each in campaigns.listing(conn):
        goal = each.parsed.goal if each.id in running else None
        if goal is not None:
            goals: list[Item] = [("event", goal.event)]
            yield from _told(goals, "campaign", each.name, "campaign", str(each.id), now)


def _of_messages(conn: Connection) -> Iterator[Use]:
    brought: dict[str, datetime] = dict(conn.execute(_BROUGHT).fetchall())
    if brought:
        address: list[Item] = [("trait", "email")]
        yield from _told(address, "message", "Messages", "messages", "", max(brought.values()))
    for each in email.listing(conn):
        if each.slug in brought:
            found = motion.of_template(each.subject, each.body, each.text)
            at = brought[each.slug]
            yield from _told(found, "message", each.name, "template", each.slug, at)


def _of_surveys(conn: Connection, now: datetime) -> Iterator[Use]:
    for each in surveys.listing(conn):
        if each.live and each.event:
            asked: list[Item] = [("event", each.event)]
            yield from _told(asked, "survey", each.name, "survey", str(each.id), now)


def _told(
    found: Iterable[Item], what: What, where: str, route: str, arg: str, at: datetime
) -> Iterator[Use]:
    for kind, name in found:
        yield Use(kind, name, what, where, route, arg, at)


_BROUGHT: LiteralString = """
SELECT template, max(created_at) FROM deliveries
WHERE template <> '' AND state NOT IN ('dropped', 'suppressed') GROUP BY template
"""
