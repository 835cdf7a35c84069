"""Forget identifiers: nothing of them stays, and what they held together is computed anew."""

from __future__ import annotations

from collections.abc import Sequence

from touchloop.core import arrays, clock
from touchloop.core.db import Connection
from touchloop.identity.recompute import Cause, lock, recompute


def erase(conn: Connection, subject_ids: Sequence[int]) -> list[int]:
    """Delete identifiers with their links and suggestions, in the caller's transaction.

    A device that was shared with an erased person is somebody's again; a suggestion that named an
    erased identifier as its evidence loses it. Gives the other customers that changed.
    """
    lock(conn)
    ids = arrays.numbers(subject_ids)
    rows = conn.execute(
        "DELETE FROM links WHERE a_id = ANY(%(ids)s::bigint[]) OR b_id = ANY(%(ids)s::bigint[])"
        " RETURNING a_id, b_id",
        {"ids": ids},
    )
    near = {end for row in rows for end in row} - set(subject_ids)
    conn.execute(
        "DELETE FROM suggestions"
        " WHERE a_id = ANY(%(ids)s::bigint[]) OR b_id = ANY(%(ids)s::bigint[])",
        {"ids": ids},
    )
    conn.execute("DELETE FROM identifiers WHERE id = ANY(%s::bigint[])", (ids,))
    if not near:
        return []
    found = recompute(conn, near, cause=Cause(clock.now()))
    return [change.customer_id for change in found.touched]
