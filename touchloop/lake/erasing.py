"""A person's rows leave the lake."""

from __future__ import annotations

from collections.abc import Collection

from touchloop.core import db
from touchloop.lake import compact, locks, tables
from touchloop.lake.tables import Lake


def erase_subjects(subject_ids: Collection[int], *, lake: Lake | None = None) -> int:
    """Delete every row of these subjects; gives how many.

    To be called when the log no longer holds them, or the next export would bring them back.
    Queries stop seeing the rows at once; the old files are removed from the disk by a later
    vacuum, `compact.KEEP_HOURS` from now at the latest. Files are rewritten whole: erase many
    subjects in one call.
    """
    if not subject_ids:
        return 0
    listed = ", ".join(str(int(subject)) for subject in sorted(subject_ids))
    erased = 0
    with (
        db.connect(application="touchloop erase") as conn,
        locks.held(conn, locks.REWRITE, wait=True),
        locks.held(conn, locks.EXPORT, wait=True),
    ):
        for name in tables.TABLES:
            table = tables.open_table(name, lake=lake)
            result = table.delete(f"subject_id in ({listed})")
            erased += int(result.get("num_deleted_rows") or 0)
            compact.vacuum(table)
    return erased
