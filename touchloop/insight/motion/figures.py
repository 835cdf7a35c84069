"""The day's measurement, and the figures that pages read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, LiteralString

from psycopg.types.json import Jsonb

from touchloop.consent import api as consent
from touchloop.core import arrays
from touchloop.core.db import Connection
from touchloop.insight.models import api as models
from touchloop.insight.motion import measuring, uses
from touchloop.insight.motion.uses import Use, What

RECENT = timedelta(days=30)
EVERY = timedelta(hours=24)
COUNTED = ("event", "property", "trait")  # sources are another cut of the same

State = Literal["in_use", "hibernating", "never"]


@dataclass(frozen=True, slots=True)
class UsedBy:
    """One use of a thing, as a page shows it."""

    what: str
    where: str
    route: str
    arg: str
    last_used: datetime


@dataclass(frozen=True, slots=True)
class Row:
    """One captured thing: what it costs and who used it, the latest first."""

    kind: str
    name: str
    label: str
    parent: str
    ref: int
    category: str
    volume: int
    last_seen: datetime | None
    bytes: int
    own_bytes: int
    state: State
    uses: tuple[UsedBy, ...] = ()


@dataclass(frozen=True, slots=True)
class Day:
    """How much was in use on a day. `allowed` is {purpose: {category: share of
    customers}}."""

    at: datetime
    items: int
    items_in_use: int
    bytes: int
    bytes_in_use: int
    allowed: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def share(self) -> float | None:
        """Of the things that are captured, how many are in use; None when nothing is."""
        return self.items_in_use / self.items if self.items else None


def due(conn: Connection, now: datetime) -> bool:
    """Whether the last measurement is a day old."""
    row = conn.execute("SELECT max(at) FROM motion_days").fetchone()
    return row is None or row[0] is None or row[0] <= now - EVERY


def refresh(conn: Connection, told: Iterable[Use], *, now: datetime) -> Day:
    """Measure what is captured, note who uses it, and keep the day. Commits with the caller."""
    uses.keep(conn, told, now=now)
    measured = measuring.measure(conn)
    _write(conn, measured, now)
    uses.keep(conn, _of_sources(measured, rows(conn, now=now)), now=now)
    found = [row for row in rows(conn, now=now) if row.kind in COUNTED]
    used = [row for row in found if row.state == "in_use"]
    day = Day(
        now, len(found), len(used), sum(row.own_bytes for row in found),
        sum(row.own_bytes for row in used),
        _allowed(conn, sorted({one.category for one in measured if one.category})),
    )  # fmt: skip
    conn.execute(
        _KEEP_DAY,
        {
            "day": now.date(), "at": now, "items": day.items, "in_use": day.items_in_use,
            "bytes": day.bytes, "bytes_in_use": day.bytes_in_use, "allowed": Jsonb(day.allowed),
        },
    )  # fmt: skip
    return day


def rows(conn: Connection, *, now: datetime) -> list[Row]:
    """Everything that is captured, the most costly first, with who used it.

    A property's use is its event's as well. What nobody used for 400 days counts as never used.
    """
    by_item: dict[tuple[str, str], list[UsedBy]] = {}
    for kind, name, *rest in conn.execute(_USES).fetchall():
        by_item.setdefault((kind, name), []).append(UsedBy(*rest))
        if kind == "property":
            event = name.rpartition(".")[0]
            by_item.setdefault(("event", event), []).append(UsedBy(*rest))
    found = []
    for one in conn.execute(_ITEMS).fetchall():
        used = tuple(dict.fromkeys(by_item.get((one[0], one[1]), ())))
        found.append(Row(*[*one, _state(used, now), used]))
    return found


def latest(conn: Connection) -> Day | None:
    """The last measurement."""
    row = conn.execute(_DAYS + "ORDER BY day DESC LIMIT 1").fetchone()
    return Day(*row) if row else None


def days(conn: Connection, *, limit: int = 90) -> list[Day]:
    """The measurements of the last days, the oldest first."""
    found = conn.execute(_DAYS + "ORDER BY day DESC LIMIT %s", (limit,)).fetchall()
    return [Day(*row) for row in reversed(found)]


def share_allowed(day: Day, category: str, purpose: str) -> float | None:
    """The share of customers about whom data of a category may be used for a purpose; None when
    the category is not known.
    """
    if not category:
        return None
    return day.allowed.get(purpose, {}).get(category)


def _state(used: Sequence[UsedBy], now: datetime) -> State:
    if not used:
        return "never"
    return "in_use" if max(one.last_used for one in used) > now - RECENT else "hibernating"


def _of_sources(measured: Iterable[measuring.Measured], found: Iterable[Row]) -> list[Use]:
    """A source is used by what it sends that is used."""
    used = {
        (row.kind, row.name): row for row in found if row.uses and row.kind in ("event", "trait")
    }
    told = []
    for one in measured:
        row = used.get((one.kind, one.name))
        if row is None or not one.senders:
            continue
        last = max(each.last_used for each in row.uses)
        what: What = "event" if one.kind == "event" else "trait"
        route, arg = ("event", str(one.ref)) if what == "event" else ("", one.name)
        told += [Use("source", slug, what, one.label, route, arg, last) for slug in one.senders]
    return told


def _allowed(conn: Connection, categories: Iterable[str]) -> dict[str, dict[str, float]]:
    """For each purpose and category: the share of customers about whom it may be used."""
    everybody = models.everybody(conn)
    return {
        purpose: {category: _share(conn, category, purpose, everybody) for category in categories}
        for purpose in consent.PURPOSES
    }


def _share(conn: Connection, category: str, purpose: str, everybody: int) -> float:
    rule = consent.default(category, purpose)
    if rule in (consent.Rule.NEVER, consent.Rule.SUM) or not everybody:
        return 0.0
    return float(models.people(conn, purpose, [category]).num_rows / everybody)


def _write(conn: Connection, found: Sequence[measuring.Measured], now: datetime) -> None:
    conn.execute("DELETE FROM motion_items")
    conn.execute(
        _WRITE,
        {
            "kinds": arrays.texts(one.kind for one in found),
            "names": arrays.texts(one.name for one in found),
            "labels": arrays.texts(one.label for one in found),
            "parents": arrays.texts(one.parent for one in found),
            "refs": arrays.numbers(one.ref for one in found),
            "categories": arrays.texts(one.category for one in found),
            "volumes": arrays.numbers(one.volume for one in found),
            "seen": arrays.instants(one.last_seen for one in found),
            "bytes": arrays.numbers(one.bytes for one in found),
            "own": arrays.numbers(one.own_bytes for one in found),
            "now": now,
        },
    )


_WRITE: LiteralString = """
INSERT INTO motion_items (kind, name, label, parent, ref, category, volume, last_seen_at, bytes,
                          own_bytes, measured_at)
SELECT x.*, %(now)s FROM unnest(%(kinds)s::text[], %(names)s::text[], %(labels)s::text[],
  %(parents)s::text[], %(refs)s::bigint[], %(categories)s::text[], %(volumes)s::bigint[],
  %(seen)s::timestamptz[], %(bytes)s::bigint[], %(own)s::bigint[]) AS x
ON CONFLICT DO NOTHING
"""

_ITEMS: LiteralString = """
SELECT kind, name, label, parent, ref, category, volume, last_seen_at, bytes, own_bytes
FROM motion_items ORDER BY bytes DESC, kind, name
"""

_USES: LiteralString = """
SELECT kind, name, what, place, route, arg, last_used_at FROM motion_uses
ORDER BY last_used_at DESC, what, place, id
"""

_DAYS: LiteralString = """
SELECT at, items, items_in_use, bytes, bytes_in_use, allowed FROM motion_days
"""

_KEEP_DAY: LiteralString = """
INSERT INTO motion_days (day, at, items, items_in_use, bytes, bytes_in_use, allowed)
VALUES (%(day)s, %(at)s, %(items)s, %(in_use)s, %(bytes)s, %(bytes_in_use)s, %(allowed)s)
ON CONFLICT (day) DO UPDATE SET at = excluded.at, items = excluded.items,
  items_in_use = excluded.items_in_use, bytes = excluded.bytes,
  bytes_in_use = excluded.bytes_in_use, allowed = excluded.allowed
"""
