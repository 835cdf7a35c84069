"""The hours at which a customer may be reached, on the customer's own clock.

A customer whose zone is not known may be in any zone of the organisation, so only the hours that
are allowed in all of them count: the narrowest window.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from functools import cache, lru_cache
from importlib import resources
from zoneinfo import ZoneInfo, available_timezones

LOOK_AHEAD = timedelta(days=8)


def is_quiet(at: datetime, zones: Sequence[str], *, quiet_from: int, quiet_until: int) -> bool:
    """Whether it is quiet in any of the zones; hours are local, 21 and 8 mean [21:00, 8:00)."""
    return any(_quiet(at, zone, quiet_from, quiet_until) for zone in zones)


@lru_cache(maxsize=50_000)
def next_allowed(
    at: datetime, zones: tuple[str, ...], quiet_from: int, quiet_until: int
) -> datetime | None:
    """The first instant from `at` on at which it is quiet time in none of the zones.

    None when within eight days there is no such instant: the zones lie too far apart.
    """
    moment, end = at, at + LOOK_AHEAD
    while moment <= end:
        later = max(_ends(moment, zone, quiet_from, quiet_until) for zone in zones)
        if later == moment:
            return moment
        moment = later
    return None


def known_zone(name: object) -> str | None:
    """The name as a time zone of the database; None for anything else."""
    return name if isinstance(name, str) and name in _names() else None


@cache
def zones_of_country(country: str) -> tuple[str, ...]:
    """The time zones of a country (ISO 3166), by the time zone database; UTC for an unknown one."""
    table = resources.files("tzdata.zoneinfo").joinpath("zone.tab").read_text("utf-8")
    rows = [line.split("\t") for line in table.splitlines() if not line.startswith("#")]
    return tuple(sorted(row[2] for row in rows if row[0] == country)) or ("UTC",)


def _quiet(at: datetime, zone: str, quiet_from: int, quiet_until: int) -> bool:
    hour = at.astimezone(_zone(zone)).hour
    if quiet_from <= quiet_until:
        return quiet_from <= hour < quiet_until
    return hour >= quiet_from or hour < quiet_until


def _ends(at: datetime, zone: str, quiet_from: int, quiet_until: int) -> datetime:
    """`at` itself, or the instant at which the quiet time around it ends in this zone."""
    if not _quiet(at, zone, quiet_from, quiet_until):
        return at
    here = at.astimezone(_zone(zone))
    for days in range(-1, 4):  # a zone may skip a day (Apia, 2011-12-30)
        day = here.date() + timedelta(days=days)
        for fold in (0, 1):
            wall = datetime.combine(day, time(quiet_until), _zone(zone)).replace(fold=fold)
            end = wall.astimezone(UTC)
            if end > at and not _quiet(end, zone, quiet_from, quiet_until):
                return end
    raise AssertionError(f"the quiet time of {zone} does not end")  # every zone has mornings


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@cache
def _names() -> frozenset[str]:
    return frozenset(available_timezones() - {"Factory", "localtime"})
