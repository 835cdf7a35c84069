"""The doors' processes: each answers on the shared port, and ends with the first of them."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from touchloop.collect import limits
from touchloop.collect.answers import ACCEPTED, headers
from touchloop.collect.connection import Connection, Port, Request
from touchloop.collect.door import Door
from touchloop.core.processes import end_with_parent, refuse_taken_port

Take = Callable[[Request], None]
Work = Callable[[], Coroutine[Any, Any, None]]


def run(*, host: str, port: int, database_url: str, workers: int = 1) -> None:
    """Serve in this process, and in `workers - 1` more."""
    bounds = limits.read()
    in_processes(
        lambda: serve(Door(bounds, database_url=database_url), host=host, port=port),
        host=host,
        port=port,
        count=workers,
    )


async def serve(door: Door, *, host: str, port: int) -> None:
    """Until SIGINT or SIGTERM reaches this process."""
    await door.open()
    largest = door.limits.foreign_body
    await listen(door.take, host=host, port=port, stop=stopped_by_signal(), largest=largest)
    await door.close()


def run_empty(*, host: str = "127.0.0.1", port: int, workers: int = 1) -> None:
    """The same server with a handler that only reads and answers: what the bench compares with."""

    def take(request: Request) -> None:
        request.respond(200, headers(ACCEPTED, None), ACCEPTED.body)

    async def serve_empty() -> None:
        await listen(take, host=host, port=port, stop=stopped_by_signal())

    in_processes(serve_empty, host=host, port=port, count=workers)


async def listen(
    take: Take, *, host: str, port: int, stop: asyncio.Event, largest: int = 64 * 1024
) -> None:
    """Give requests to `take` until `stop`; then take no more, and let those under way end."""
    place = Port(take, largest=largest)
    shared = hasattr(socket, "SO_REUSEPORT")
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(place), host, port, backlog=2048, reuse_port=shared or None
    )
    keeper = asyncio.create_task(place.keep())
    await stop.wait()
    server.close()
    await place.end()
    keeper.cancel()


def stopped_by_signal() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def in_processes(work: Work, *, host: str, port: int, count: int) -> None:
    """Here, and in `count - 1` more processes that share the port and end with this one."""
    refuse_taken_port(host, port)
    children = [_fork(work) for _ in range(count - 1)]
    try:
        run_loop(work())
    finally:
        for child in children:
            os.kill(child, signal.SIGTERM)
        for child in children:
            os.waitpid(child, 0)


def _fork(work: Work) -> int:
    parent = os.getpid()
    child = os.fork()
    if child:
        return child
    end_with_parent(parent)
    status = 1
    try:
        run_loop(work())
        status = 0
    finally:
        os._exit(status)


def run_loop(work: Coroutine[Any, Any, None]) -> None:
    gc.collect()
    gc.freeze()  # what is loaded now stays; requests make many objects, and hardly any cycles
    gc.set_threshold(20_000, 20, 20)
    if sys.platform == "win32":
        asyncio.run(work)
        return
    import uvloop

    uvloop.run(work)
