"""The catalogue of events and the places they come from: names become small numbers.

Ids of kinds and touchpoints never change, so each process remembers those it has met. New ones are
made in a transaction of their own, at once visible to all workers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from touchloop.core.db import Connection

KindName = tuple[str, str]  # type, name
Place = tuple[str, str]  # channel, location

LONGEST_NAME = 300
PROPERTIES_OF_A_KIND = 500
EXAMPLES_PER_BATCH = 20


@dataclass(slots=True)
class Catalogue:
    """What one worker has learned of kinds, places and properties."""

    kinds: dict[KindName, int] = field(default_factory=dict)
    places: dict[Place, int] = field(default_factory=dict)
    properties: dict[tuple[int, str], set[str]] = field(default_factory=dict)

    def kind_ids(self, conn: Connection, wanted: set[KindName], now: datetime) -> None:
        """Make sure that `kinds` knows every wanted name. Commits on `conn`."""
        missing = sorted(wanted - self.kinds.keys())
        if missing:
            types, names = [kind for kind, _ in missing], [name for _, name in missing]
            rows = conn.execute(_KINDS, {"types": types, "names": names, "now": now}).fetchall()
            conn.commit()
            self.kinds.update({(kind, name): id for id, kind, name in rows})

    def every_kind(self, conn: Connection) -> dict[KindName, int]:
        """All kinds there are, those that other workers made included."""
        rows = conn.execute("SELECT type, name, id FROM kinds").fetchall()
        self.kinds.update({(kind, name): id for kind, name, id in rows})
        return self.kinds

    def places_by_id(self, conn: Connection, ids: Iterable[int]) -> dict[int, Place]:
        """The places; all are read again when one of `ids` was made by another worker."""
        named = {id: place for place, id in self.places.items()}
        if not named.keys() >= set(ids):
            rows = conn.execute("SELECT channel, location, id FROM touchpoints").fetchall()
            self.places.update({(channel, location): id for channel, location, id in rows})
            named = {id: (channel, location) for channel, location, id in rows}
        return named

    def place_ids(self, conn: Connection, wanted: Mapping[Place, str], now: datetime) -> None:
        """Make sure that `places` knows every wanted place (value: lifecycle stage). Commits."""
        missing = sorted(wanted.keys() - self.places.keys())
        if missing:
            rows = conn.execute(
                _PLACES,
                {
                    "channels": [channel for channel, _ in missing],
                    "locations": [location for _, location in missing],
                    "stages": [wanted[place] for place in missing],
                    "now": now,
                },
            ).fetchall()
            conn.commit()
            self.places.update({(channel, location): id for id, channel, location in rows})

    def learn(
        self, conn: Connection, examples: Iterable[tuple[int, dict[str, Any]]], now: datetime
    ) -> None:
        """Note property names and types that were not seen before. Commits."""
        news: dict[tuple[int, str], tuple[set[str], str]] = {}
        shown: dict[int, dict[str, Any]] = {}
        for kind_id, properties in examples:
            shown.setdefault(kind_id, properties)
            for name, value in properties.items():
                self._note(news, (kind_id, str(name)[:LONGEST_NAME]), value)
        if not news:
            return
        for (kind_id, name), (types, example) in sorted(news.items()):
            conn.execute(
                _PROPERTY,
                {
                    "kind": kind_id,
                    "name": name,
                    "types": json.dumps(sorted(types)),
                    "example": example,
                    "now": now,
                },
            )
        for kind_id in sorted({kind_id for kind_id, _ in news}):
            conn.execute(
                "UPDATE kinds SET example = %s WHERE id = %s",
                (_clean(json.dumps(shown[kind_id]))[:20_000], kind_id)
                if len(json.dumps(shown[kind_id])) < 20_000
                else (json.dumps({"too": "large"}), kind_id),
            )
        conn.commit()

    def _note(
        self, news: dict[tuple[int, str], tuple[set[str], str]], key: tuple[int, str], value: Any
    ) -> None:
        known = self.properties.setdefault(key, set())
        kind = type_word(value)
        if kind in known:
            return
        full = sum(1 for seen in self.properties if seen[0] == key[0]) > PROPERTIES_OF_A_KIND
        if full and not known:
            return
        known.add(kind)
        news[key] = (set(known), _clean(json.dumps(value))[:200])


def renew_examples(conn: Connection, kind_ids: Iterable[int]) -> None:
    """Take the examples of these kinds from the newest interaction that is still there.

    For erasure: an example is a piece of somebody's interaction. Does not commit.
    """
    for kind_id in sorted(set(kind_ids)):
        conn.execute(_RENEW_EXAMPLE, {"kind": kind_id})
        conn.execute(_RENEW_PROPERTIES, {"kind": kind_id})


def type_word(value: Any) -> str:
    """The JSON type of a value, in the words of JSON Schema."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def _clean(text: str) -> str:
    return text.replace("\\u0000", "")


_KINDS = """
WITH wanted AS (
  SELECT * FROM unnest(%(types)s::text[], %(names)s::text[]) AS w(type, name)
), added AS (
  INSERT INTO kinds (type, name, first_seen_at, last_seen_at)
  SELECT type, name, %(now)s, %(now)s FROM wanted
  ON CONFLICT (type, name) DO UPDATE SET last_seen_at = kinds.last_seen_at
  RETURNING id, type, name
)
SELECT id, type, name FROM added
"""

_PLACES = """
INSERT INTO touchpoints (channel, location, name, region, stage, first_seen_at, last_seen_at)
SELECT channel, location,
       CASE WHEN location = '' THEN channel
            ELSE initcap(replace(channel, '_', ' ')) || ' ' || location END,
       '', stage, %(now)s, %(now)s
FROM unnest(%(channels)s::text[], %(locations)s::text[], %(stages)s::text[])
  AS w(channel, location, stage)
ON CONFLICT (channel, location) DO UPDATE SET last_seen_at = touchpoints.last_seen_at
RETURNING id, channel, location
"""

_PROPERTY = """
INSERT INTO kind_properties (kind_id, name, types, first_seen_at, example)
VALUES (%(kind)s, %(name)s, %(types)s, %(now)s, %(example)s)
ON CONFLICT (kind_id, name) DO UPDATE SET types = (
  SELECT jsonb_agg(DISTINCT t) FROM jsonb_array_elements(kind_properties.types || excluded.types) t
)
"""

_RENEW_EXAMPLE = """
UPDATE kinds SET example = (
  SELECT coalesce(nullif(x.body::jsonb -> 'properties', 'null'), x.body::jsonb -> 'traits')
  FROM interactions x WHERE x.kind_id = %(kind)s ORDER BY x.id DESC LIMIT 1
) WHERE id = %(kind)s
"""

_RENEW_PROPERTIES = """
UPDATE kind_properties p SET example = left(coalesce((k.example -> p.name)::text, ''), 200)
FROM kinds k WHERE k.id = p.kind_id AND p.kind_id = %(kind)s
"""
