"""The contact policy as it is kept: each change is a new row, the last one holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from django.utils.translation import gettext as _
from psycopg.types.json import Jsonb

from touchloop.channels.hours import known_zone, zones_of_country
from touchloop.channels.policy import TOGETHER, Cap, Policy
from touchloop.channels.seam import KINDS
from touchloop.core import settings
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid

LONGEST_WINDOW: Final = 24 * 31  # hours


def contact_policy(conn: Connection) -> Policy:
    """The policy that holds, with the zones that a customer without one may be in."""
    stored = stored_policy(conn)
    return replace(stored, zones=stored.zones or zones_of_country(settings.default_region()))


def stored_policy(conn: Connection) -> Policy:
    """The policy as it was entered: `zones` are empty while those of the region hold."""
    row = conn.execute(
        "SELECT caps, gap_hours, quiet_from, quiet_until, mute_days, zones, keep_hours"
        " FROM contact_policy ORDER BY id DESC LIMIT 1"
    ).fetchone()
    if row is None:
        return Policy()
    caps, gap, quiet_from, quiet_until, mute_days, zones, keep = row
    return Policy(
        caps=tuple(Cap(*cap) for cap in caps),
        gap_hours=gap,
        quiet_from=quiet_from,
        quiet_until=quiet_until,
        mute_days=mute_days,
        zones=tuple(zones),
        keep_hours={**Policy().keep_hours, **keep},
    )


def change_policy(conn: Connection, policy: Policy, *, by: int | None, at: datetime) -> None:
    """Let another policy hold from now on, in the caller's transaction. Raises Invalid."""
    _check(policy)
    conn.execute(
        "INSERT INTO contact_policy (caps, gap_hours, quiet_from, quiet_until, mute_days, zones,"
        " keep_hours, at, actor_id) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            Jsonb([list(cap) for cap in policy.caps]),
            policy.gap_hours,
            policy.quiet_from,
            policy.quiet_until,
            policy.mute_days,
            list(policy.zones),
            Jsonb(policy.keep_hours),
            at,
            by,
        ),
    )


def _check(policy: Policy) -> None:
    for cap in policy.caps:
        if cap.kind not in (*KINDS, TOGETHER) or cap.kind == "service":
            raise Invalid("caps", _("a cap is for marketing, surveys, or both together"))
        if not 1 <= cap.hours <= LONGEST_WINDOW or not 0 <= cap.most <= 1000:
            raise Invalid("caps", _("a cap is a number of contacts in 1 to 744 hours"))
    if not 0 <= policy.gap_hours <= 24 * 7:
        raise Invalid("gap_hours", _("the gap is between 0 hours and 7 days"))
    for name in ("quiet_from", "quiet_until"):
        if not 0 <= getattr(policy, name) <= 23:
            raise Invalid(name, _("an hour is between 0 and 23"))
    if not 0 <= policy.mute_days <= 365:
        raise Invalid("mute_days", _("between 0 and 365 days"))
    for zone in policy.zones:
        if known_zone(zone) is None:
            raise Invalid("zones", _("there is no time zone %s") % zone)
    for kind, hours in policy.keep_hours.items():
        if kind not in (*KINDS, "prompt") or not 1 <= hours <= 24 * 365:
            raise Invalid("keep_hours", _("a message waits between an hour and a year"))
