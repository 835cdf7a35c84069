"""Versions: what runs learned, and which of them is used.

Each run learns its own weights and keeps them as a version, unless a person chose one to go on
with: then the next runs score by its fields, weights, prior and threshold, and learn nothing. Which
one is used is part of the policy, so each change is a row of its own, and can be taken back.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from touchloop.core.db import Connection
from touchloop.core.errors import Invalid, NotFound
from touchloop.insight.matching import columns
from touchloop.insight.matching.columns import Field
from touchloop.insight.matching.judging import policy
from touchloop.insight.matching.learning import Model, Weight
from touchloop.insight.matching.matching import LIKELY, SEED, Matched


@dataclass(frozen=True, slots=True)
class VersionInfo:
    """What one run learned: fields, rules, weights, frequent values, threshold."""

    id: int
    at: datetime
    records: int
    threshold: float
    parameters: dict[str, Any]
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Used:
    """A version as the next run uses it."""

    id: int
    threshold: float
    fields: tuple[Field, ...]
    model: Model


def version(conn: Connection, id: int) -> VersionInfo | None:
    """One version by its number."""
    row = conn.execute(f"{_VERSION} WHERE id = %s", (id,)).fetchone()
    return _version(row) if row else None


def versions(conn: Connection, *, limit: int = 20) -> list[VersionInfo]:
    """The newest versions."""
    rows = conn.execute(f"{_VERSION} ORDER BY id DESC LIMIT %s", (limit,)).fetchall()
    return [_version(row) for row in rows]


def use(conn: Connection, id: int | None, *, by: int, now: datetime) -> None:
    """From the next run on go by this version; None: each run learns its own again.

    What is suggested stays as it is until then. Raises NotFound for a version that is gone, Invalid
    for one that learned nothing.
    """
    if id is not None:
        found = version(conn, id)
        if found is None:
            raise NotFound(f"no version {id} of matching")
        if not found.parameters.get("weights"):
            raise Invalid("version", "learned nothing that could be used again")
    held = policy(conn)
    conn.execute(
        "INSERT INTO matching_policy (at, automatic, precision, changed_by, version_id)"
        " VALUES (%s, %s, %s, %s, %s)",
        (now, held.automatic, held.precision, by, id),
    )


def used(conn: Connection) -> Used | None:
    """The version that a person chose, ready to score by; None: runs learn their own."""
    chosen = policy(conn).version_id
    found = version(conn, chosen) if chosen is not None else None
    if found is None:
        return None
    kept = found.parameters
    counts: dict[str, int] = {}
    fields = []
    for column, kind in kept["fields"]:
        counts[kind] = counts.get(kind, 0) + 1
        fields.append(columns.field_of(column, kind, counts[kind]))
    weights = {
        name: tuple(Weight(words, m, u, guessed) for words, m, u, _, guessed in levels)
        for name, levels in kept["weights"].items()
    }
    words = (f"version {found.id} is used, as somebody chose: nothing was learned",)
    model = Model(weights, kept["prior"], kept["near_exact"], tuple(kept["blockings"]), words)
    return Used(found.id, found.threshold, tuple(fields), model)


def keep(
    conn: Connection, found: Matched, frequent: dict[str, list[tuple[str, int]]], now: datetime
) -> int:
    """Keep what a run learned; gives the number of the version."""
    model = found.model
    parameters = {
        "fields": [[field.column, field.kind] for field in found.fields],
        "rules": [[rule.name, rule.pairs, rule.limit] for rule in found.rules],
        "prior": model.prior if model else 0.0,
        "near_exact": model.near_exact if model else 0,
        "blockings": list(model.blockings) if model else [],
        "weights": {
            name: [[one.words, one.m, one.u, one.bits, one.guessed] for one in levels]
            for name, levels in (model.weights if model else {}).items()
        },
        "frequent": frequent,
    }
    row = conn.execute(
        "INSERT INTO matching_versions (at, seed, records, threshold, parameters, words)"
        " VALUES (%s, %s, %s, %s, %s, %s) RETURNING id",
        (now, SEED, found.records, LIKELY, json.dumps(parameters), list(found.words)),
    ).fetchone()
    assert row is not None
    return int(row[0])


def _version(row: tuple[Any, ...]) -> VersionInfo:
    id, at, records, threshold, parameters, words = row
    return VersionInfo(id, at, records, threshold, parameters, tuple(words))


_VERSION = "SELECT id, at, records, threshold, parameters, words FROM matching_versions"
