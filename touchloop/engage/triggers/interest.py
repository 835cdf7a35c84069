"""Which names concern any trigger: read again only when one of them has changed."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from touchloop.core.db import Connection
from touchloop.engage.triggers.definition import Definition, Occasion, parse

LIVE, ENDED = "live", "ended"


@dataclass(frozen=True, slots=True)
class Known:
    """A trigger as the engine needs it, every version parsed."""

    id: int
    slug: str
    name: str
    state: str
    version: int
    seed: str
    definitions: dict[int, Definition]


@dataclass(frozen=True, slots=True)
class Interest:
    """All triggers, and by the name of an interaction what it may start and what it may end."""

    triggers: dict[int, Known]
    starts: dict[str, list[tuple[Known, Occasion]]] = field(default_factory=dict)
    exits: dict[str, list[tuple[Known, int, Occasion]]] = field(default_factory=dict)

    @property
    def names(self) -> frozenset[str]:
        """The names of all interactions that concern a trigger."""
        return frozenset(self.starts) | frozenset(self.exits)

    @property
    def live(self) -> list[Known]:
        return [known for known in self.triggers.values() if known.state == LIVE]


def interest(conn: Connection) -> Interest:
    """As the triggers stand now: one small query, unless something changed."""
    stamp = tuple(
        conn.execute(
            "SELECT id, state, version, updated_at, name FROM triggers ORDER BY id"
        ).fetchall()
    )
    kept = _cache.get(stamp)
    if kept is None:
        kept = _read(conn)
        _cache.clear()  # only the newest is ever asked for again
        _cache[stamp] = kept
    return kept


_Stamp = tuple[tuple[int, str, int, datetime, str], ...]
_cache: dict[_Stamp, Interest] = {}


def _read(conn: Connection) -> Interest:
    versions: dict[int, dict[int, Definition]] = defaultdict(dict)
    for trigger_id, version, definition in conn.execute(
        "SELECT trigger_id, version, definition FROM trigger_versions"
    ).fetchall():
        versions[trigger_id][version] = parse(definition)
    rows = conn.execute("SELECT id, slug, name, state, version, seed FROM triggers").fetchall()
    found = Interest(
        {
            id: Known(id, slug, name, state, version, seed, versions[id])
            for id, slug, name, state, version, seed in rows
        }
    )
    for known in found.triggers.values():
        if known.state == LIVE:
            for occasion in known.definitions[known.version].when:
                found.starts.setdefault(occasion.name, []).append((known, occasion))
        if known.state == ENDED:
            continue
        for version, definition in known.definitions.items():
            for occasion in definition.until:
                found.exits.setdefault(occasion.name, []).append((known, version, occasion))
    return found
