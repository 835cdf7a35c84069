"""What segments need beside events: refreshes and exports at their time, comparisons asked for."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from touchloop.core import access, audit, clock
from touchloop.core.access import Permission
from touchloop.core.accounts import api as accounts
from touchloop.core.db import Connection
from touchloop.flow.filling import fill_segment
from touchloop.insight.likeness import api as likeness
from touchloop.insight.segments import api as segments


def attend_segments(conn: Connection) -> int:
    """Do what is due now; gives how much that was. Commits each."""
    now = clock.now()
    done = segments.run_due(conn, now, refresh=_refresh, may_export=_may_export, exported=_exported)
    return len(done) + likeness.compare_waiting(conn, now)


def _refresh(segment_id: int) -> int:
    return fill_segment(segment_id).members


def _may_export(due: segments.Schedule) -> bool:
    """Only while who planned it still may: a role that was taken away ends it."""
    planner = accounts.person(due.made_by) if due.made_by is not None else None
    return access.allows(planner, Permission.SEGMENTS_EXPORT)


def _exported(due: segments.Schedule, found: segments.Exported, path: Path) -> None:
    planner = accounts.person(due.made_by) if due.made_by is not None else None
    audit.record(
        "segment.exported",
        by=planner,
        kind="segment",
        id=due.segment_id,
        name=segments.get(due.segment_id).name,
        after={**asdict(found), **(asdict(due.wish) if due.wish else {}), "file": path.name},
    )
