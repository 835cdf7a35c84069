"""Reports of campaigns, kept for some seconds: a list of many must not count each anew."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.core.cache import cache

from touchloop.core.db import Connection
from touchloop.engage.campaigns import api as campaigns
from touchloop.engage.campaigns.api import Campaign, Report

MOVING_SECONDS, STILL_SECONDS = 8, 120
MANY = 5_000


def kept(found: Iterable[Campaign]) -> dict[int, Report]:
    """The reports that were made a moment ago, by campaign."""
    keys = {_key(each): each.id for each in found}
    known: dict[str, Report] = cache.get_many(list(keys))
    return {keys[key]: report for key, report in known.items()}


def fresh(conn: Connection, campaign: Campaign, *, now: datetime) -> Report:
    """A report, made anew."""
    report = campaigns.report(conn, campaign.id, now=now)
    moving = campaign.state == "running"
    cache.set(_key(campaign), report, MOVING_SECONDS if moving else STILL_SECONDS)
    return report


def many(conn: Connection, campaign: Campaign) -> bool:
    """Whether it has so many members that counting takes longer than a page may."""
    row = conn.execute(
        "SELECT count(*) FROM (SELECT 1 FROM campaign_members WHERE campaign_id = %s LIMIT %s) m",
        (campaign.id, MANY + 1),
    ).fetchone()
    return row is not None and row[0] > MANY


def _key(campaign: Campaign) -> str:
    return f"campaign.report.{campaign.id}.{campaign.updated_at.timestamp()}"
