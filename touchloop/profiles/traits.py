"""Traits: facts about a customer, each with its source, its age and who stands behind it.

A value is kept per identifier, name and authority; the newest wins within one authority, with the
message's key as the last word, so that the outcome does not depend on the order of arrival. What
one authority says of one identifier is one row: see `models.TraitStatement`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from touchloop.core import arrays
from touchloop.core.db import Connection

INFERRED, IMPORT, SYSTEM, STAFF, PERSON = range(5)

# What a public write key must never set: it decides about rights, money or consent.
RESERVED = frozenset(
    {
        "id",
        "is_admin",
        "is_staff",
        "role",
        "roles",
        "permissions",
        "points",
        "balance",
        "tier",
        "credit",
        "consent",
        "consents",
        "segments",
        "scores",
        "allowed",
        "stage",
        "customer_id",
    }
)
RESERVED_PREFIXES = ("touchloop_", "$touchloop")
LONGEST_VALUE = 8_192
_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")  # not the end of an escaped backslash
TRAITS_OF_A_MESSAGE = 300


@dataclass(frozen=True, slots=True)
class TraitValue:
    """One trait as one message gave it."""

    subject_id: int
    name: str
    authority: int
    value: Any
    source_id: int
    at: datetime
    tie: UUID


def authority_of(source_kind: str) -> int:
    """Who stands behind a value from this kind of source: the person, a system, or an import."""
    return {"web": PERSON, "mobile": PERSON, "import": IMPORT}.get(source_kind, SYSTEM)


def permitted(traits: dict[str, Any], *, trusted: bool) -> tuple[dict[str, Any], list[str]]:
    """The traits that a source may set, and the names of those that it may not."""
    kept: dict[str, Any] = {}
    refused: list[str] = []
    for name, value in traits.items():
        if _may_set(name, value, trusted=trusted) and len(kept) < TRAITS_OF_A_MESSAGE:
            kept[name] = value
        else:
            refused.append(name)
    return kept, refused


def record(conn: Connection, values: Iterable[TraitValue]) -> set[int]:
    """Keep the better value of each; returns the subjects that were given any."""
    best: dict[tuple[int, int], dict[str, TraitValue]] = defaultdict(dict)
    for value in values:
        said = best[value.subject_id, value.authority]
        kept = said.get(value.name)
        if kept is None or (value.at, value.tie) > (kept.at, kept.tie):
            said[value.name] = value
    if not best:
        return set()
    keys = sorted(best)
    newest = [max(best[key].values(), key=lambda value: (value.at, value.tie)) for key in keys]
    conn.execute(
        f"INSERT INTO trait_statements AS s {_GIVEN} {MERGE}",
        {
            "subjects": arrays.numbers(subject for subject, _ in keys),
            "authorities": arrays.numbers(authority for _, authority in keys),
            "sources": arrays.numbers(value.source_id for value in newest),
            "ats": arrays.instants(value.at for value in newest),
            "ties": arrays.uuids(value.tie for value in newest),
            "traits": arrays.texts(_object(best[key]) for key in keys),
            "others": arrays.texts(
                _others(best[key], value) for key, value in zip(keys, newest, strict=True)
            ),
        },
    )
    return {subject for subject, _ in keys}


def _object(said: Mapping[str, TraitValue]) -> str:
    return encode({name: value.value for name, value in said.items()})


def _others(said: Mapping[str, TraitValue], newest: TraitValue) -> str | None:
    """The origin of the values that do not come from where the newest does."""
    own = (newest.source_id, newest.at, newest.tie)
    found = {
        name: (value.source_id, value.at.isoformat(), str(value.tie))
        for name, value in said.items()
        if (value.source_id, value.at, value.tie) != own
    }
    return encode(found) if found else None


def encode(value: Any) -> str:
    """A trait's value as JSON that PostgreSQL accepts: NUL cannot be kept there."""
    text = msgspec.json.encode(value).decode()
    return _NUL.sub(r"\1", text) if "\\u0000" in text else text


def _may_set(name: str, value: Any, *, trusted: bool) -> bool:
    if not name or len(name) > 200 or "\0" in name:
        return False
    lowered = name.lower()
    if not trusted and (lowered in RESERVED or lowered.startswith(RESERVED_PREFIXES)):
        return False
    return isinstance(value, (bool, int, float, type(None))) or len(encode(value)) <= LONGEST_VALUE


_GIVEN = """
(subject_id, authority, source_id, at, tie, traits, others)
SELECT * FROM unnest(
  %(subjects)s::bigint[], %(authorities)s::smallint[], %(sources)s::int[], %(ats)s::timestamptz[],
  %(ties)s::uuid[], %(traits)s::jsonb[], %(others)s::jsonb[])
"""

# To follow an INSERT INTO trait_statements AS s: value by value the newer one stays, the greater
# tie where they are equally old. The row keeps its origin as long as one of its values has it.
MERGE = """
ON CONFLICT (subject_id, authority) DO UPDATE
SET (source_id, at, tie, traits, others) = (
  SELECT CASE WHEN o.stays THEN s.source_id ELSE excluded.source_id END,
         CASE WHEN o.stays THEN s.at ELSE excluded.at END,
         CASE WHEN o.stays THEN s.tie ELSE excluded.tie END,
         s.traits || n.traits,
         nullif(coalesce(s.others, '{}') - n.names
           || CASE WHEN o.stays THEN n.origins ELSE n.others END, '{}')
  FROM (
    SELECT coalesce(array_agg(g.key), '{}') AS names,
           coalesce(jsonb_object_agg(g.key, g.value), '{}') AS traits,
           coalesce(jsonb_object_agg(g.key, coalesce(excluded.others -> g.key, jsonb_build_array(
             excluded.source_id, excluded.at, excluded.tie))), '{}') AS origins,
           coalesce(jsonb_object_agg(g.key, excluded.others -> g.key)
             FILTER (WHERE excluded.others ? g.key), '{}') AS others
    FROM jsonb_each(excluded.traits) g
    WHERE NOT s.traits ? g.key
       OR (coalesce((excluded.others -> g.key ->> 1)::timestamptz, excluded.at),
           coalesce((excluded.others -> g.key ->> 2)::uuid, excluded.tie))
        > (coalesce((s.others -> g.key ->> 1)::timestamptz, s.at),
           coalesce((s.others -> g.key ->> 2)::uuid, s.tie))
  ) n, LATERAL (
    SELECT s.traits - n.names - ARRAY(SELECT jsonb_object_keys(s.others)) <> '{}' AS stays
  ) o
)
"""
