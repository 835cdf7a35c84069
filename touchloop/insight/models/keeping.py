"""Versions as they are kept: read, compared, taken back."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any, LiteralString

import numpy as np
from psycopg.types.json import Jsonb

from touchloop.core.db import Connection
from touchloop.core.errors import Invalid, NotFound
from touchloop.insight.models.seam import Feature, Metric, Trained

WHOLE = 10  # versions of a kind that are kept with everything; of older ones the card stays


@dataclass(frozen=True, slots=True)
class VersionInfo:
    """One version with its card. `people` of `everybody` allowed the purpose when it learned;
    `usable`: it can be put in use (again).
    """

    id: int
    kind: str
    number: int
    state: str
    word: str
    purpose: str
    trained_at: datetime
    seconds: float
    seed: int
    code: str
    since: datetime | None
    until: datetime | None
    n: int
    people: int
    everybody: int
    simulated: bool
    scored_at: datetime | None
    scored: int
    score_names: Sequence[str]
    usable: bool
    metrics: tuple[Metric, ...]
    features: tuple[Feature, ...]
    words: tuple[str, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    curves: Mapping[str, Any] = field(default_factory=dict)
    reference: Mapping[str, Any] = field(default_factory=dict)
    drift: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> Metric | None:
        """The figure by which it was judged."""
        return next(iter(self.metrics), None)


def versions(conn: Connection, kind: str) -> list[VersionInfo]:
    """All versions of a kind, the newest first."""
    rows = conn.execute(_READ + "WHERE kind = %s ORDER BY number DESC", (kind,)).fetchall()
    return [_version(row) for row in rows]


def version(conn: Connection, kind: str, number: int) -> VersionInfo:
    """One version; NotFound when there is none."""
    found = _one(conn, "WHERE kind = %s AND number = %s", (kind, number))
    if found is None:
        raise NotFound(f"there is no version {number} of {kind}")
    return found


def current(conn: Connection, kind: str) -> VersionInfo | None:
    """The version in use."""
    return _one(conn, "WHERE kind = %s AND state = 'in_use'", (kind,))


def latest(conn: Connection) -> dict[str, tuple[VersionInfo | None, VersionInfo]]:
    """Of each kind the version in use, if any, and the newest."""
    found: dict[str, tuple[VersionInfo | None, VersionInfo]] = {}
    for row in conn.execute(_LATEST).fetchall():
        one = _version(row)
        in_use, newest = found.get(one.kind, (None, one))
        found[one.kind] = (one if one.state == "in_use" else in_use, newest)
    return found


def learned(conn: Connection, version_id: int) -> Trained:
    """What a version learned, as `score` takes it. NotFound when it is not there any more."""
    row = conn.execute(
        "SELECT parameters, metrics, features, n, since, until, words, curves, reference, blob,"
        " simulated FROM model_versions WHERE id = %s AND NOT let_go",
        (version_id,),
    ).fetchone()
    if row is None:
        raise NotFound("what this version learned is not kept any more")
    parameters, metrics, features, n, since, until, words, curves, reference, blob, simulated = row
    return Trained(
        parameters=parameters,
        metrics=_metrics(metrics),
        features=tuple(Feature(**each) for each in features),
        n=n,
        since=since,
        until=until,
        words=tuple(words),
        curves=curves,
        drift=reference.get("inputs", {}),
        blob=bytes(blob) if blob is not None else None,
        simulated=simulated,
    )


def add(conn: Connection, given: Mapping[str, Any], trained: Trained) -> int:
    """Write a version; what was in use stands by when the new one is in use. Gives its id."""
    if given["state"] == "in_use":
        conn.execute(_STAND_BY, {"kind": given["kind"], "number": given["number"]})
    row = conn.execute(
        _ADD,
        {
            **given,
            "since": trained.since,
            "until": trained.until,
            "n": trained.n,
            "parameters": Jsonb(plain(trained.parameters)),
            "metrics": Jsonb(plain([asdict(each) for each in trained.metrics])),
            "features": Jsonb(plain([asdict(each) for each in trained.features])),
            "words": Jsonb([str(word) for word in trained.words]),
            "curves": Jsonb(plain(trained.curves)),
            "reference": Jsonb({"inputs": plain(trained.drift)}),
            "drift": Jsonb(given["drift"]),
            "blob": trained.blob,
            "simulated": trained.simulated,
        },
    ).fetchone()
    assert row is not None
    conn.execute(_LET_GO, {"kind": given["kind"], "whole": WHOLE})
    return int(row[0])


def put_in_use(conn: Connection, kind: str, number: int) -> VersionInfo:
    """An older version takes the place of the one in use, which is then rolled back.

    Invalid when it is in use, failed, or not kept whole any more. Commits with the caller.
    """
    conn.execute("SELECT 1 FROM model_versions WHERE kind = %s FOR UPDATE", (kind,))
    wanted = version(conn, kind, number)
    if wanted.state == "in_use":
        raise Invalid("version", f"version {number} is in use already")
    if not wanted.usable:
        raise Invalid("version", f"version {number} cannot be used: {wanted.word or 'let go'}")
    conn.execute(_ROLL_BACK, {"kind": kind, "number": number, "word": f"put back to {number}"})
    conn.execute(
        "UPDATE model_versions SET state = 'in_use', word = '' WHERE id = %s", (wanted.id,)
    )
    return version(conn, kind, number)


def next_number(conn: Connection, kind: str) -> int:
    """The number of the version that comes next, from 1."""
    row = conn.execute(
        "SELECT coalesce(max(number), 0) + 1 FROM model_versions WHERE kind = %s", (kind,)
    ).fetchone()
    return int(row[0]) if row else 1


def plain(value: Any) -> Any:
    """A value as JSON holds it: NumPy's as Python's, instants as text, None for what is no number.

    Invalid for what JSON cannot hold.
    """
    match value:
        case None | bool() | str() | int():
            return value
        case float():
            return value if math.isfinite(value) else None
        case datetime() | date():
            return value.isoformat()
        case np.generic():
            return plain(value.item())
        case np.ndarray():
            return plain(value.tolist())
        case Mapping():
            return {str(key): plain(each) for key, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(each) for each in value]
    raise Invalid("parameters", f"a model keeps plain values, not {type(value).__name__}")


def as_kept(trained: Trained) -> Mapping[str, Any]:
    """Parameters as they come back from the table."""
    found: dict[str, Any] = json.loads(json.dumps(plain(trained.parameters)))
    return found


def _one(conn: Connection, where: LiteralString, params: tuple[Any, ...]) -> VersionInfo | None:
    row = conn.execute(_READ + where, params).fetchone()
    return _version(row) if row else None


def _version(row: tuple[Any, ...]) -> VersionInfo:
    *plain_ones, metrics, features, words, parameters, curves, reference, drift = row
    found = tuple(Feature(**each) for each in features)
    rest = [_metrics(metrics), found, tuple(words), parameters, curves, reference, drift]
    return VersionInfo(*[*plain_ones, *rest])


def _metrics(rows: list[dict[str, Any]]) -> tuple[Metric, ...]:
    """A value that is no number is kept as null."""
    return tuple(
        Metric(**row | {"value": math.nan if row["value"] is None else row["value"]})
        for row in rows
    )


_COLUMNS: LiteralString = """
id, kind, number, state, word, purpose, trained_at, seconds, seed, code, since, until, n, people,
everybody, simulated, scored_at, scored, score_names, NOT let_go AND state <> 'failed' AS usable,
metrics, features, words, parameters, curves, reference, drift
"""

_READ: LiteralString = f"SELECT {_COLUMNS} FROM model_versions "

_LATEST: LiteralString = f"""
SELECT {_COLUMNS} FROM model_versions v
WHERE state = 'in_use'
   OR number = (SELECT max(number) FROM model_versions n WHERE n.kind = v.kind)
ORDER BY kind, number DESC
"""

_STAND_BY: LiteralString = """
UPDATE model_versions SET state = 'kept', word = 'replaced by version ' || %(number)s::int
WHERE kind = %(kind)s AND state = 'in_use'
"""

_ROLL_BACK: LiteralString = """
UPDATE model_versions SET state = 'rolled_back', word = %(word)s
WHERE kind = %(kind)s AND state = 'in_use'
"""

_ADD: LiteralString = """
INSERT INTO model_versions (kind, number, state, word, purpose, trained_at, seconds, seed, code,
  since, until, n, people, everybody, parameters, metrics, features, words, curves, reference,
  drift, blob, let_go, simulated, scored, score_names)
VALUES (%(kind)s, %(number)s, %(state)s, %(word)s, %(purpose)s, %(trained_at)s, %(seconds)s,
  %(seed)s, %(code)s, %(since)s, %(until)s, %(n)s, %(people)s, %(everybody)s, %(parameters)s,
  %(metrics)s, %(features)s, %(words)s, %(curves)s, %(reference)s, %(drift)s, %(blob)s, false,
  %(simulated)s, 0, '{}')
RETURNING id
"""

_LET_GO: LiteralString = """
UPDATE model_versions SET blob = NULL, let_go = true
WHERE kind = %(kind)s AND state <> 'in_use' AND NOT let_go AND number <= (
  SELECT max(number) FROM model_versions WHERE kind = %(kind)s) - %(whole)s
"""
