"""What is captured, how much of it, and what it costs to keep.

Volumes are counted; bytes are the real sizes of the tables and of the lake's files, shared out by a
sample of the log: what a property or an event takes of the text of the messages sampled.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, LiteralString

from touchloop.core.db import Connection
from touchloop.insight.motion.uses import property_of
from touchloop.lake import api as lake

SAMPLED = 40_000  # messages
ROW_BYTES = 60  # of a message besides its text, and of a trait besides its value
PROPERTIES = 200  # of an event, the most frequent ones


@dataclass(slots=True)
class Measured:
    """One captured thing."""

    kind: str
    name: str
    label: str
    parent: str = ""
    ref: int = 0
    category: str = ""
    volume: int = 0
    last_seen: datetime | None = None
    bytes: int = 0
    own_bytes: int = 0
    senders: tuple[str, ...] = ()  # the sources it came from, as the sample has it


@dataclass(slots=True)
class _Seen:
    """What the sample says of one event."""

    messages: int = 0
    chars: int = 0
    products: int = 0
    sources: Counter[int] = field(default_factory=Counter)
    properties: Counter[str] = field(default_factory=Counter)
    carrying: Counter[str] = field(default_factory=Counter)


def measure(conn: Connection) -> list[Measured]:
    """Everything that is captured. Touchloop's own notes (type `system`) are none of it."""
    sources = {row[0]: row for row in conn.execute(_SOURCES).fetchall()}
    events = _events(conn)
    seen = _sampled(conn, {number: name for name, event in events.items() for number in event.ids})
    sizes = _sizes(conn)
    found = _of_sources(sources, events, seen, sizes)
    found += _of_events(sources, events, seen, sizes)
    return found + _of_traits(conn, sources, sizes)


@dataclass(slots=True)
class _Event:
    ids: list[int] = field(default_factory=list)
    volume: int = 0
    last_seen: datetime | None = None


def _events(conn: Connection) -> dict[str, _Event]:
    """By name: rules ask by name, whatever type it came in."""
    found: dict[str, _Event] = defaultdict(_Event)
    for id, name, volume, last_seen in conn.execute(_KINDS).fetchall():
        event = found[name]
        event.ids.append(id)
        event.volume += volume
        event.last_seen = max(filter(None, (event.last_seen, last_seen)), default=None)
    return dict(found)


def _sampled(conn: Connection, names: Mapping[int, str]) -> dict[str, _Seen]:
    row = conn.execute(
        "SELECT greatest(reltuples, 0) FROM pg_class WHERE relname = 'interactions'"
    ).fetchone()
    rows = float(row[0]) if row else 0.0
    share = min(100.0, 100.0 * SAMPLED / rows) if rows > SAMPLED else 100.0
    found: dict[str, _Seen] = defaultdict(_Seen)
    with conn.cursor(name="motion_sample") as cursor:
        cursor.itersize = 2_000
        cursor.execute(_SAMPLE, (share, SAMPLED))
        for kind, source, body in cursor:
            if kind in names:
                _look(found[names[kind]], source, body)
    return dict(found)


def _look(seen: _Seen, source: int, body: str) -> None:
    seen.messages += 1
    seen.chars += len(body) + ROW_BYTES
    seen.sources[source] += 1
    try:
        properties = json.loads(body).get("properties")
    except (ValueError, AttributeError):
        return
    if not isinstance(properties, dict):
        return
    for name, value in properties.items():
        seen.carrying[name] += 1
        seen.properties[name] += len(name) + 4 + len(json.dumps(value, ensure_ascii=False))
        if name == "products" and isinstance(value, list):
            seen.products += len(value)


def _sizes(conn: Connection) -> dict[str, int]:
    """Bytes of what holds the log, its product lines and the traits: tables and lake."""
    row = conn.execute(_TABLES).fetchone()
    assert row is not None
    stored = lake.stored_bytes()
    return {
        "messages": int(row[0]) + stored[lake.INTERACTIONS],
        "lines": int(row[1]) + stored[lake.LINES],
        "traits": int(row[2]),
    }


def _weight(event: _Event, seen: _Seen | None, mean: float) -> float:
    """The text of all messages of an event, as the sample has it."""
    return event.volume * (seen.chars / seen.messages if seen and seen.messages else mean)


def _of_events(
    sources: Mapping[int, Any], events: Mapping[str, _Event], seen: Mapping[str, _Seen],
    sizes: Mapping[str, int],
) -> list[Measured]:  # fmt: skip
    messages = sum(one.messages for one in seen.values())
    mean = sum(one.chars for one in seen.values()) / messages if messages else 1.0
    weights = {name: _weight(event, seen.get(name), mean) for name, event in events.items()}
    lines = {name: _lines(events[name], seen.get(name)) for name in events}
    total, all_lines = sum(weights.values()) or 1.0, sum(lines.values()) or 1.0
    found = []
    for name, event in events.items():
        text = int(sizes["messages"] * weights[name] / total)
        products = int(sizes["lines"] * lines[name] / all_lines)
        category = _category(sources, seen.get(name))
        parts = _properties(name, event, seen.get(name), text, products, category)
        found.append(
            Measured(
                "event", name, name, ref=min(event.ids), category=category, volume=event.volume,
                last_seen=event.last_seen, bytes=text + products,
                own_bytes=max(0, text + products - sum(part.bytes for part in parts)),
                senders=_senders(sources, seen.get(name)),
            )
        )  # fmt: skip
        found += parts
    return found


def _lines(event: _Event, seen: _Seen | None) -> float:
    return event.volume * seen.products / seen.messages if seen and seen.messages else 0.0


def _properties(
    name: str, event: _Event, seen: _Seen | None, text: int, products: int, category: str
) -> list[Measured]:
    if seen is None or not seen.chars:
        return []
    found = []
    for key, carried in seen.carrying.most_common(PROPERTIES):
        size = int(text * seen.properties[key] / seen.chars) + products * (key == "products")
        found.append(
            Measured(
                "property", property_of(name, key), key, parent=name, category=category,
                volume=round(event.volume * carried / seen.messages), last_seen=event.last_seen,
                bytes=size, own_bytes=size,
            )
        )  # fmt: skip
    return found


def _of_sources(
    sources: Mapping[int, Any], events: Mapping[str, _Event], seen: Mapping[str, _Seen],
    sizes: Mapping[str, int],
) -> list[Measured]:  # fmt: skip
    """What came from a source is counted at its events: its bytes are another cut of the same."""
    weights: Counter[int] = Counter()
    counts: Counter[int] = Counter()
    for name, one in seen.items():
        for source, n in one.sources.items():
            messages = events[name].volume * n / one.messages
            counts[source] += round(messages)
            weights[source] += round(messages * one.chars / one.messages)
    total = sum(weights.values()) or 1
    whole = sizes["messages"] + sizes["lines"]
    return [
        Measured(
            "source", slug, name, ref=id, category=category, volume=counts[id],
            last_seen=last_seen, bytes=int(whole * weights[id] / total),
        )
        for id, slug, name, category, last_seen in sources.values()
    ]  # fmt: skip


def _of_traits(
    conn: Connection, sources: Mapping[int, Any], sizes: Mapping[str, int]
) -> list[Measured]:
    rows = conn.execute(_TRAITS, (ROW_BYTES,)).fetchall()
    total = sum(int(weight) for _n, _v, _at, weight, _s in rows) or 1
    found = []
    for name, volume, last_seen, weight, source in rows:
        size = int(sizes["traits"] * int(weight) / total)
        category = sources[source][3] if source in sources else ""
        found.append(
            Measured(
                "trait", name, name, category=category, volume=volume, last_seen=last_seen,
                bytes=size, own_bytes=size,
                senders=(sources[source][1],) if source in sources else (),
            )
        )  # fmt: skip
    return found


def _senders(sources: Mapping[int, Any], seen: _Seen | None) -> tuple[str, ...]:
    return tuple(sources[id][1] for id in seen.sources if id in sources) if seen else ()


def _category(sources: Mapping[int, Any], seen: _Seen | None) -> str:
    """The category of the source that sends most of it."""
    if seen is None or not seen.sources:
        return ""
    source = seen.sources.most_common(1)[0][0]
    return str(sources[source][3]) if source in sources else ""


_SOURCES: LiteralString = """
SELECT id, slug, name, category, last_seen_at FROM sources WHERE kind <> 'system' ORDER BY id
"""

_KINDS: LiteralString = """
SELECT id, CASE WHEN name = '' THEN type ELSE name END, volume, last_seen_at FROM kinds
WHERE type <> 'system' ORDER BY id
"""

_SAMPLE: LiteralString = """
SELECT kind_id, source_id, body FROM interactions TABLESAMPLE SYSTEM (%s) REPEATABLE (7) LIMIT %s
"""

_TABLES: LiteralString = """
SELECT pg_total_relation_size('interactions'), pg_total_relation_size('interaction_lines'),
       pg_total_relation_size('trait_statements') + pg_total_relation_size('customers')
"""

_TRAITS: LiteralString = """
SELECT name, count(DISTINCT subject_id), max(at), sum(pg_column_size(value) + %s),
       mode() WITHIN GROUP (ORDER BY source_id)
FROM trait_values GROUP BY name ORDER BY name
"""
