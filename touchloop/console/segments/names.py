"""What segments are called, for choosing one."""

from __future__ import annotations

from touchloop.console import database


def segment_names() -> dict[int, str]:
    """Names by id."""
    rows = database.here().execute("SELECT id, name FROM segments ORDER BY name").fetchall()
    return dict(rows)
