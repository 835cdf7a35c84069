"""Start the door."""

from __future__ import annotations

from touchloop.core import db


def serve(
    *, host: str = "127.0.0.1", port: int = 8001, database_url: str | None = None, workers: int = 1
) -> None:
    """Serve until SIGINT or SIGTERM; then commit and answer what was accepted, and return.

    More than one worker is more than one process on the same port. Raises OSError when the port is
    taken. Django must be set up.
    """
    from touchloop.collect import server

    server.run(host=host, port=port, database_url=database_url or db.url(), workers=workers)
