"""What people look through: the catalogue of events, messages set aside, how sources do."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from touchloop.core.db import Connection
from touchloop.interactions.ledger import OUTCOMES
from touchloop.interactions.record import unpack

ROWS_OF_A_SAMPLE = 30_000
WEEKS = 26
KIND_ORDERS = ("name", "type", "volume", "first_seen_at", "last_seen_at")


@dataclass(frozen=True, slots=True)
class KindRow:
    """One event of the catalogue."""

    id: int
    type: str
    name: str
    first_seen_at: datetime
    last_seen_at: datetime
    volume: int


@dataclass(frozen=True, slots=True)
class Property:
    name: str
    types: tuple[str, ...]
    first_seen_at: datetime
    example: str


@dataclass(frozen=True, slots=True)
class KindPage:
    """An event with what its messages carry."""

    row: KindRow
    properties: tuple[Property, ...]
    example: Any


@dataclass(frozen=True, slots=True)
class HeldRow:
    """A message set aside, as a list shows it."""

    id: int
    shelf: str
    source_id: int
    message_id: str
    reason: str
    detail: str
    received_at: datetime
    held_at: datetime
    attempts: int
    state: str
    decided_by: int | None
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class HeldFilter:
    """Which messages set aside; empty words ask for all."""

    shelf: str = ""
    state: str = "held"
    reason: str = ""
    source_id: int | None = None


def kinds(
    conn: Connection,
    *,
    words: str = "",
    type: str = "",
    sort: str = "volume",
    descending: bool = True,
    skip: int = 0,
    limit: int = 50,
) -> list[KindRow]:
    """The catalogue; it holds hundreds of kinds, not millions, so that skipping rows is cheap."""
    order = sort if sort in KIND_ORDERS else "volume"
    way = "DESC" if descending else "ASC"
    rows = conn.execute(
        "SELECT id, type, name, first_seen_at, last_seen_at, volume FROM kinds"
        " WHERE (%(type)s = '' OR type = %(type)s) AND strpos(lower(name), lower(%(words)s)) > 0"
        f" ORDER BY {order} {way}, id LIMIT %(limit)s OFFSET %(skip)s",
        {"type": type, "words": words, "limit": limit, "skip": skip},
    )
    return [KindRow(*row) for row in rows.fetchall()]


def kind_types(conn: Connection) -> list[tuple[str, int]]:
    """The types of message that were seen, and how many kinds each has."""
    rows = conn.execute("SELECT type, count(*) FROM kinds GROUP BY type ORDER BY type").fetchall()
    return [(type, int(n)) for type, n in rows]


def kind(conn: Connection, kind_id: int) -> KindPage | None:
    """One kind with its properties, the common ones first."""
    found = conn.execute(
        "SELECT id, type, name, first_seen_at, last_seen_at, volume, example FROM kinds"
        " WHERE id = %s",
        (kind_id,),
    ).fetchone()
    if found is None:
        return None
    rows = conn.execute(
        "SELECT name, types, first_seen_at, example FROM kind_properties WHERE kind_id = %s"
        " ORDER BY first_seen_at, name LIMIT 500",
        (kind_id,),
    ).fetchall()
    properties = tuple(Property(n, tuple(_json(types)), at, ex) for n, types, at, ex in rows)
    return KindPage(KindRow(*found[:6]), properties, _json(found[6]))


def kind_trends(
    conn: Connection, kind_ids: Sequence[int], *, now: datetime
) -> dict[int, list[float]]:
    """Weekly counts of half a year, from a sample that is bounded however long the log is."""
    size = conn.execute(
        "SELECT greatest(reltuples, 0) FROM pg_class WHERE relname = 'interactions'"
    )
    rows_in_log = float((size.fetchone() or (0,))[0])
    share = min(100.0, 100.0 * ROWS_OF_A_SAMPLE / max(rows_in_log, 1.0))
    rows = conn.execute(
        "SELECT kind_id, floor(extract(epoch FROM %(now)s - occurred_at) / 604800)::int AS week,"
        f" count(*) FROM interactions TABLESAMPLE SYSTEM ({share:.6f})"
        " WHERE kind_id = ANY(%(kinds)s) AND occurred_at > %(since)s AND occurred_at <= %(now)s"
        " GROUP BY 1, 2",
        {"now": now, "since": now - timedelta(weeks=WEEKS), "kinds": list(kind_ids)},
    ).fetchall()
    trends = {kind_id: [0.0] * WEEKS for kind_id in kind_ids}
    for kind_id, week, n in rows:
        if 0 <= week < WEEKS:
            trends[kind_id][WEEKS - 1 - week] += n * 100.0 / share
    return trends


def held_rows(
    conn: Connection, wanted: HeldFilter, *, before_id: int | None = None, limit: int = 50
) -> list[HeldRow]:
    """Messages set aside, the newest first."""
    rows = conn.execute(
        "SELECT id, shelf, source_id, message_id, reason, detail, received_at, held_at, attempts,"
        f" state, decided_by, decided_at FROM held_messages WHERE {_HELD}"
        " AND (%(before)s::bigint IS NULL OR id < %(before)s) ORDER BY id DESC LIMIT %(limit)s",
        {**_held_values(wanted), "before": before_id, "limit": limit},
    )
    return [HeldRow(*row) for row in rows.fetchall()]


def held_ids(conn: Connection, wanted: HeldFilter, *, limit: int) -> list[int]:
    """The ids that fit, for an act on all of them."""
    rows = conn.execute(
        f"SELECT id FROM held_messages WHERE {_HELD} ORDER BY id LIMIT %(limit)s",
        {**_held_values(wanted), "limit": limit},
    )
    return [row[0] for row in rows.fetchall()]


def held_reasons(conn: Connection, *, state: str) -> list[tuple[str, int]]:
    """Why messages lie there, the most frequent first."""
    rows = conn.execute(
        "SELECT reason, count(*) FROM held_messages WHERE (%(state)s = '' OR state = %(state)s)"
        " GROUP BY reason ORDER BY count(*) DESC, reason LIMIT 40",
        {"state": state},
    )
    return [(reason, int(n)) for reason, n in rows.fetchall()]


def held_message(conn: Connection, held_id: int) -> tuple[HeldRow, str] | None:
    """One message and its body as it came, as text for reading."""
    found = conn.execute(
        "SELECT id, shelf, source_id, message_id, reason, detail, received_at, held_at, attempts,"
        " state, decided_by, decided_at, record FROM held_messages WHERE id = %s",
        (held_id,),
    ).fetchone()
    if found is None:
        return None
    return HeldRow(*found[:12]), _readable(bytes(found[12]))


def source_days(
    conn: Connection, *, since: date, until: date
) -> dict[int, Mapping[str, list[int]]]:
    """For each source, what became of its messages on each day of the period."""
    days = (until - since).days + 1
    rows = conn.execute(
        "SELECT source_id, day, outcome, n FROM tallies WHERE day BETWEEN %s AND %s", (since, until)
    ).fetchall()
    found: dict[int, dict[str, list[int]]] = {}
    for source_id, day, outcome, n in rows:
        outcomes = found.setdefault(source_id, {o: [0] * days for o in ("sent", *OUTCOMES)})
        outcomes.setdefault(outcome, [0] * days)[(day - since).days] += int(n)
    return {source_id: outcomes for source_id, outcomes in found.items()}


_HELD = (
    "(%(shelf)s = '' OR shelf = %(shelf)s) AND (%(state)s = '' OR state = %(state)s)"
    " AND (%(reason)s = '' OR reason = %(reason)s)"
    " AND (%(source)s::int IS NULL OR source_id = %(source)s)"
)


def _held_values(wanted: HeldFilter) -> dict[str, Any]:
    return {
        "shelf": wanted.shelf,
        "state": wanted.state,
        "reason": wanted.reason,
        "source": wanted.source_id,
    }


def _readable(record: bytes) -> str:
    body = unpack(record).body
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace")


def _json(value: Any) -> Any:
    """jsonb arrives as text on some connections and as values on others."""
    return json.loads(value) if isinstance(value, str) else value
