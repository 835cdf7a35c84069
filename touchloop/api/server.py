"""The programs' door, in processes that share its port."""

from __future__ import annotations

from touchloop.api.answering import LARGEST_BODY
from touchloop.api.door import Door
from touchloop.collect.server import in_processes, listen, stopped_by_signal
from touchloop.core import db
from touchloop.core.processes import take_short_turns


def serve(
    *, host: str = "127.0.0.1", port: int = 8002, database_url: str | None = None, workers: int = 2
) -> None:
    """Serve until SIGINT or SIGTERM; answer what was taken in, and return.

    Two processes on one port by default: while one waits for the database, the other decides.
    Raises OSError when the port is taken. Django must be set up.
    """
    url = database_url or db.url()
    in_processes(
        lambda: _serve(Door(database_url=url), host=host, port=port),
        host=host,
        port=port,
        count=workers,
    )


async def _serve(door: Door, *, host: str, port: int) -> None:
    take_short_turns()
    await door.open()
    await listen(door.take, host=host, port=port, stop=stopped_by_signal(), largest=LARGEST_BODY)
    await door.close()
