"""Traits: facts about a customer, each with its source, its age and who stands behind it.

A value is kept per identifier, name and authority; the newest wins within one authority, with the
message's key as the last word, so that the outcome does not depend on the order of arrival.
"""

from __future__ import annotations

from collections.abc import Iterable
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
    best: dict[tuple[int, str, int], TraitValue] = {}
    for value in values:
        key = (value.subject_id, value.name, value.authority)
        if key not in best or (value.at, value.tie) > (best[key].at, best[key].tie):
            best[key] = value
    if not best:
        return set()
    rows = [best[key] for key in sorted(best)]
    conn.execute(
        _UPSERT,
        {
            "subjects": arrays.numbers(row.subject_id for row in rows),
            "names": arrays.texts(row.name for row in rows),
            "authorities": arrays.numbers(row.authority for row in rows),
            "values": arrays.texts(encode(row.value) for row in rows),
            "sources": arrays.numbers(row.source_id for row in rows),
            "ats": arrays.instants(row.at for row in rows),
            "ties": arrays.uuids(row.tie for row in rows),
        },
    )
    return {row.subject_id for row in rows}


def encode(value: Any) -> str:
    """A trait's value as JSON that PostgreSQL accepts: NUL cannot be kept there."""
    return msgspec.json.encode(value).decode().replace("\\u0000", "")


def _may_set(name: str, value: Any, *, trusted: bool) -> bool:
    if not name or len(name) > 200 or "\0" in name:
        return False
    lowered = name.lower()
    if not trusted and (lowered in RESERVED or lowered.startswith(RESERVED_PREFIXES)):
        return False
    return isinstance(value, (bool, int, float, type(None))) or len(encode(value)) <= LONGEST_VALUE


_UPSERT = """
INSERT INTO trait_values (subject_id, name, authority, value, source_id, at, tie)
SELECT * FROM unnest(
  %(subjects)s::bigint[], %(names)s::text[], %(authorities)s::smallint[], %(values)s::jsonb[],
  %(sources)s::int[], %(ats)s::timestamptz[], %(ties)s::uuid[])
ON CONFLICT (subject_id, name, authority) DO UPDATE
SET value = excluded.value, source_id = excluded.source_id, at = excluded.at, tie = excluded.tie
WHERE (excluded.at, excluded.tie) > (trait_values.at, trait_values.tie)
"""
