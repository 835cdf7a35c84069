"""A training from its inputs to a version in use, and what a version says of everybody.

Everything happens in the caller's transaction: a version stands with its scores, or not at all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from psycopg.types.json import Jsonb

from touchloop.core.db import Connection
from touchloop.core.errors import Invalid
from touchloop.core.version import version as code_version
from touchloop.insight.models import consenting, drifting, judging, keeping, simulating
from touchloop.insight.models.keeping import VersionInfo
from touchloop.insight.models.running import Progress, open_run
from touchloop.insight.models.seam import Kind, Run, Scored, Trained

# What changed: by the score's name, the customers for whom it did. In the same transaction.
Touched = Callable[[Connection, Mapping[str, list[int]]], None]

_COLUMNS = ("customer_id", "value", "inputs")


def train(
    conn: Connection,
    kind: Kind,
    *,
    now: datetime,
    seed: int | None = None,
    progress: Progress | None = None,
    touched: Touched | None = None,
    settings: Mapping[str, Any] | None = None,
) -> VersionInfo | None:
    """Learn, keep the version, put it in use when it may be (judging.py), and score everybody.

    None when there was nothing to learn from. Scores are written anew in any case, by the version
    that is in use then: who has objected since is in none of them. `seed` is the version's number
    when not given. `touched` is told whose scores changed. Commits with the caller.
    """
    number = keeping.next_number(conn, kind.name)
    start = time.perf_counter()
    with open_run(
        conn, kind.purpose, now=now, seed=number if seed is None else seed, progress=progress,
        categories=kind.categories, settings=settings, simulated=kind.learns_from_answers,
        optional=kind.optional,
    ) as run:  # fmt: skip
        trained = kind.train(run)
        if trained and kind.learns_from_answers and simulating.count(run.engine):
            trained = replace(trained, simulated=True)
        made = trained and _keep(kind, trained, run, number, seconds=time.perf_counter() - start)
        _score(kind, run, touched=touched)
    return keeping.version(conn, kind.name, number) if made else None


def score(
    conn: Connection,
    kind: Kind,
    *,
    now: datetime,
    progress: Progress | None = None,
    touched: Touched | None = None,
) -> VersionInfo | None:
    """Score everybody anew by the version in use; None when there is none.

    Commits with the caller.
    """
    with open_run(
        conn, kind.purpose, now=now, progress=progress, categories=kind.categories,
        simulated=kind.learns_from_answers, optional=kind.optional,
    ) as run:  # fmt: skip
        _score(kind, run, touched=touched)
    return keeping.current(conn, kind.name)


def _keep(kind: Kind, trained: Trained, run: Run, number: int, *, seconds: float) -> int:
    conn = run.conn
    before = keeping.current(conn, kind.name)
    vetted = consenting.vetted(trained.features, kind.purpose)
    forbidden = judging.refused(trained.features, vetted)
    judgement = (
        judging.Judgement("failed", forbidden)
        if forbidden
        else judging.judge(kind, trained, current=before.metrics if before else None)
    )
    moved = drifting.compared(before.reference.get("inputs", {}), trained.drift) if before else {}
    given = {
        "kind": kind.name,
        "number": number,
        "state": judgement.state,
        "word": judgement.word,
        "purpose": kind.purpose,
        "trained_at": run.now,
        "seconds": seconds,
        "seed": run.seed,
        "code": code_version(),
        "people": _count(run, "people"),
        "everybody": consenting.everybody(conn),
        "drift": {"inputs": moved, "since": before.number} if before else {},
    }
    return keeping.add(conn, given, replace(trained, features=vetted))


def _score(kind: Kind, run: Run, *, touched: Touched | None) -> None:
    """The scores of the version in use become the kind's only ones."""
    # Other rooms give their kinds to this one: they are loaded by now, and must not be before.
    from touchloop.insight.scores import api as scores

    conn = run.conn
    used = keeping.current(conn, kind.name)
    allowed = run.engine.query("SELECT customer_id FROM people").column(0)
    lay: dict[str, list[float]] = {}
    changed: dict[str, list[int]] = {}
    scored: set[int] = set()
    if used is not None:
        for found in kind.score(run, keeping.learned(conn, used.id)):
            rows = _rows(found, allowed)
            if found.name in lay:
                raise Invalid("score", f"{kind.name} gives {found.name} twice")
            changed[found.name] = scores.write(conn, found.name, rows, now=run.now, version=used.id)
            lay[found.name] = drifting.deciles(rows.column("value").to_numpy())
            scored.update(rows.column("customer_id").to_pylist())
    for name in sorted(_names(conn, kind.name) - set(lay)):
        changed[name] = scores.write(conn, name, [], now=run.now)
    if touched:
        touched(conn, changed)
    if used is not None:
        _note(conn, used, lay, scored=len(scored), now=run.now)


def _rows(found: Scored, allowed: pa.ChunkedArray) -> pa.Table:
    """What may be written: of those who allow it, and numbers only."""
    rows = found.rows.select(_COLUMNS)
    ids = pc.cast(rows.column("customer_id"), pa.int64())
    values = pc.cast(rows.column("value"), pa.float64())
    rows = pa.table({"customer_id": ids, "value": values, "inputs": rows.column("inputs")})
    fine = pc.and_(pc.is_in(ids, value_set=allowed), pc.fill_null(pc.is_finite(values), False))
    return rows.filter(fine)


def _note(
    conn: Connection, used: VersionInfo, lay: Mapping[str, list[float]], *, scored: int,
    now: datetime,
) -> None:  # fmt: skip
    """How the scores lie, beside how they lay when the version first scored."""
    first = used.reference.get("scores")
    reference = used.reference if first else {**used.reference, "scores": lay}
    drift = {**used.drift, "scores": drifting.compared(first, lay) if first else {}}
    conn.execute(
        "UPDATE model_versions SET scored_at = %s, scored = %s, score_names = %s, reference = %s,"
        " drift = %s WHERE id = %s",
        (now, scored, sorted(lay), Jsonb(reference), Jsonb(drift), used.id),
    )


def _names(conn: Connection, kind: str) -> set[str]:
    """The scores that any version of a kind has written."""
    rows: Iterable[tuple[Any, ...]] = conn.execute(
        "SELECT DISTINCT unnest(score_names) FROM model_versions WHERE kind = %s", (kind,)
    ).fetchall()
    return {row[0] for row in rows}


def _count(run: Run, relation: str) -> int:
    return int(run.engine.rows(f"SELECT COUNT(*) FROM {relation}")[0][0])
