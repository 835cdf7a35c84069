"""The brake: campaigns about which too many complain pause themselves.

Mailbox providers ask senders to stay below 0.1 % of complaints and turn mail away from 0.3 % on
(Google's and Yahoo's rules for bulk senders). One complaint among ten letters says nothing, so a
campaign stops only when the lower end of Wilson's interval lies above the limit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, LiteralString

from django.utils.translation import gettext as _

from touchloop.core import arrays
from touchloop.core.db import Connection
from touchloop.core.proportions import Share, share
from touchloop.engage.campaigns import keeping

WARNED: Final = 0.001
STOPPED: Final = 0.003
LEAST: Final = 300  # recipients, below which nothing is judged
WINDOW: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Complaints:
    """Who complained among those who were reached in the window, and what follows: "", "warn" or
    "stop".
    """

    share: Share
    word: str


def complaints(
    conn: Connection, campaign_ids: Sequence[int], *, now: datetime
) -> dict[int, Complaints]:
    """The complaints about each campaign, of what was handed over in the last seven days."""
    values = {"ids": arrays.numbers(campaign_ids), "since": now - WINDOW}
    return {
        id: judged(complained, reached)
        for id, complained, reached in conn.execute(_COMPLAINTS, values).fetchall()
    }


def judged(complained: int, reached: int) -> Complaints:
    """What so many complaints among so many recipients mean. Pure."""
    found = share(complained, reached)
    if reached >= LEAST and found.low > STOPPED:
        return Complaints(found, "stop")
    if reached >= LEAST and found.value > WARNED:
        return Complaints(found, "warn")
    return Complaints(found, "")


def brake(conn: Connection, now: datetime) -> int:
    """Pause the running campaigns about which too many complain, the reason stored with them.

    Resumed, a campaign pauses again until fewer complain in the window. Does not commit.
    """
    running = [one.id for one in keeping.listing(conn) if one.state == keeping.RUNNING]
    if not running:
        return 0
    found = complaints(conn, running, now=now)
    stopped = {id: one.share for id, one in found.items() if one.word == "stop"}
    for id, rate in stopped.items():
        if keeping.get(conn, id, lock=True).state == keeping.RUNNING:
            keeping.pause(conn, id, now=now)
            keeping.stop_for(conn, id, said(rate), now=now)
    return len(stopped)


def said(rate: Share) -> str:
    """The complaints in words."""
    return _(
        "Too many complaints: %(x)d of %(n)d recipients within %(days)d days, %(rate).2f %%;"
        " at least %(low).2f %% by the interval, and the limit is %(limit).1f %%."
    ) % {
        "x": rate.x,
        "n": rate.n,
        "days": WINDOW.days,
        "rate": rate.value * 100,
        "low": rate.low * 100,
        "limit": STOPPED * 100,
    }


_COMPLAINTS: Final[LiteralString] = """
SELECT campaign_id, count(*) FILTER (WHERE state = 'complained'), count(*)
  FROM deliveries
 WHERE campaign_id = ANY(%(ids)s::bigint[]) AND state IN ('handed', 'confirmed', 'complained')
   AND handed_at >= %(since)s
 GROUP BY 1
"""
