"""Which kinds are due, who asked, how far a run is: the rows of `model_runs`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, LiteralString

from touchloop.core import clock
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid
from touchloop.insight.models.seam import Kind

Act = Literal["train", "score"]

# When a run that did not learn is tried again, at the latest after the kind's own pace.
AGAIN = {
    "nothing": timedelta(hours=1),
    "failed": timedelta(hours=6),
    "lost": timedelta(hours=1),
    "stopped": timedelta(0),
}


@dataclass(frozen=True, slots=True)
class RunInfo:
    """One run. `outcome` is "" while it is open, else done, nothing, cancelled, stopped, failed or
    lost (its process went away).
    """

    id: int
    kind: str
    act: Act
    asked_at: datetime
    asked_by: int | None
    started_at: datetime | None
    step: str
    share: float
    cancelling: bool
    finished_at: datetime | None
    outcome: str
    error: str

    @property
    def open(self) -> bool:
        return self.finished_at is None


@dataclass(frozen=True, slots=True)
class Due:
    """A kind that is to be run now; `asked`: somebody waits for it."""

    kind: Kind
    act: Act
    asked: bool


def ask(
    conn: Connection, kind: str, *, by: int | None, now: datetime | None = None, act: Act = "train"
) -> RunInfo:
    """Have a kind run as soon as a learner is free; the open run when there is one already.

    An open scoring becomes a training when that is asked. Commits with the caller.
    """
    conn.execute(_ASK, {"kind": kind, "act": act, "by": by, "now": now or clock.now()})
    found = open_run_of(conn, kind)
    assert found is not None
    return found


def cancel(conn: Connection, kind: str, *, now: datetime | None = None) -> RunInfo:
    """End the open run of a kind: at once when it has not begun, else at its next step.

    Invalid when none is open. Commits with the caller.
    """
    row = conn.execute(_CANCEL, {"kind": kind, "now": now or clock.now()}).fetchone()
    if row is None:
        raise Invalid("run", f"no run of {kind} is open")
    return RunInfo(*row)


def open_run_of(conn: Connection, kind: str) -> RunInfo | None:
    """The run that waits or works now."""
    row = conn.execute(_READ + "WHERE kind = %s AND finished_at IS NULL", (kind,)).fetchone()
    return RunInfo(*row) if row else None


def runs(conn: Connection, kind: str, *, limit: int = 20) -> list[RunInfo]:
    """The latest runs of a kind, the newest first."""
    rows = conn.execute(
        _READ + "WHERE kind = %s ORDER BY asked_at DESC, id DESC LIMIT %s", (kind, limit)
    ).fetchall()
    return [RunInfo(*row) for row in rows]


def latest_runs(conn: Connection) -> dict[str, RunInfo]:
    """The newest run of each kind."""
    rows = conn.execute(_NEWEST).fetchall()
    return {row[1]: RunInfo(*row) for row in rows}


def due(conn: Connection, kinds: Iterable[Kind], now: datetime) -> list[Due]:
    """The kinds that are to be run now: those that somebody asked for first.

    A kind is due by itself when its last training is `every_hours` old; after one that did not
    learn, as AGAIN says.
    """
    last = {row[1]: RunInfo(*row) for row in conn.execute(_LAST_TRAINING).fetchall()}
    open_ones = {row[1]: RunInfo(*row) for row in conn.execute(_OPEN).fetchall()}
    found = []
    for kind in kinds:
        waiting = open_ones.get(kind.name)
        if waiting is not None:
            found.append(Due(kind, waiting.act, waiting.asked_by is not None))
        elif (at := next_at(kind, last.get(kind.name))) is None or at <= now:
            found.append(Due(kind, "train", False))
    return sorted(found, key=lambda one: not one.asked)


def next_at(kind: Kind, last: RunInfo | None) -> datetime | None:
    """When a kind is due by itself, after its last training; None: at once."""
    if last is None or last.finished_at is None:
        return None
    pace = timedelta(hours=kind.every_hours)
    return last.finished_at + min(pace, AGAIN.get(last.outcome, pace))


def begin(conn: Connection, kind: str, act: Act, *, now: datetime) -> RunInfo:
    """The run that starts now: the one that was asked, or a new one."""
    conn.execute(_ASK, {"kind": kind, "act": act, "by": None, "now": now})
    conn.execute(
        "UPDATE model_runs SET started_at = %s WHERE kind = %s AND finished_at IS NULL",
        (now, kind),
    )
    found = open_run_of(conn, kind)
    assert found is not None
    return found


def finish(
    conn: Connection, run_id: int, outcome: str, *, now: datetime, error: str = "",
    version_id: int | None = None,
) -> None:  # fmt: skip
    """Write down what became of a run."""
    conn.execute(
        "UPDATE model_runs SET finished_at = %s, outcome = %s, error = %s, version_id = %s,"
        " share = CASE WHEN %s = 'done' THEN 1 ELSE share END WHERE id = %s",
        (now, outcome, error[:500], version_id, outcome, run_id),
    )


def close_lost(conn: Connection, kind: str, *, now: datetime) -> bool:
    """Close a run that began and whose process went away; only for who holds the kind's lock."""
    row = conn.execute(_CLOSE_LOST, {"kind": kind, "now": now}).fetchone()
    return row is not None


def run(conn: Connection, run_id: int) -> RunInfo:
    """One run."""
    row = conn.execute(_READ + "WHERE id = %s", (run_id,)).fetchone()
    assert row is not None
    return RunInfo(*row)


_COLUMNS: LiteralString = (
    "id, kind, act, asked_at, asked_by, started_at, step, share, cancel_asked_at IS NOT NULL,"
    " finished_at, outcome, error"
)
_READ: LiteralString = f"SELECT {_COLUMNS} FROM model_runs "
_OPEN: LiteralString = f"SELECT {_COLUMNS} FROM model_runs WHERE finished_at IS NULL"
_NEWEST: LiteralString = f"""
SELECT DISTINCT ON (kind) {_COLUMNS} FROM model_runs ORDER BY kind, asked_at DESC, id DESC
"""
_LAST_TRAINING: LiteralString = f"""
SELECT DISTINCT ON (kind) {_COLUMNS} FROM model_runs
WHERE act = 'train' AND finished_at IS NOT NULL ORDER BY kind, finished_at DESC, id DESC
"""
_ASK: LiteralString = """
INSERT INTO model_runs (kind, act, asked_at, asked_by, step, share, outcome, error)
VALUES (%(kind)s, %(act)s, %(now)s, %(by)s, '', 0, '', '')
ON CONFLICT (kind) WHERE finished_at IS NULL DO UPDATE
  SET asked_by = coalesce(model_runs.asked_by, excluded.asked_by),
      act = CASE WHEN model_runs.started_at IS NULL AND excluded.act = 'train' THEN 'train'
                 ELSE model_runs.act END
"""
_CANCEL: LiteralString = f"""
UPDATE model_runs SET cancel_asked_at = %(now)s,
  finished_at = CASE WHEN started_at IS NULL THEN %(now)s::timestamptz END,
  outcome = CASE WHEN started_at IS NULL THEN 'cancelled' ELSE '' END
WHERE kind = %(kind)s AND finished_at IS NULL
RETURNING {_COLUMNS}
"""
_CLOSE_LOST: LiteralString = """
UPDATE model_runs SET finished_at = %(now)s, outcome = 'lost',
  error = 'the process that ran it went away'
WHERE kind = %(kind)s AND finished_at IS NULL AND started_at IS NOT NULL RETURNING id
"""
