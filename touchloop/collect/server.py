"""The door under Granian, in this process.

Granian's own way to have processes leaves its workers alone when the parent is killed, holding the
port. Its embedded server runs on our event loop: one process, gone when it is killed.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from granian.constants import HTTPModes
from granian.http import HTTP1Settings
from granian.server.embed import Server

from touchloop.collect import limits
from touchloop.collect.answers import ACCEPTED, headers
from touchloop.collect.door import Door
from touchloop.core.processes import end_with_parent

Application = Callable[[Any, Any], Coroutine[Any, Any, None]]
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
    await listen(door.answer, host=host, port=port, stop=stopped_by_signal())
    await door.close()


def run_empty(*, host: str = "127.0.0.1", port: int, workers: int = 1) -> None:
    """The same server with a handler that only reads and answers: what the bench compares with."""

    async def answer(scope: Any, protocol: Any) -> None:
        await protocol()
        protocol.response_bytes(200, headers(ACCEPTED, None), ACCEPTED.body)

    async def serve_empty() -> None:
        await listen(answer, host=host, port=port, stop=stopped_by_signal())

    in_processes(serve_empty, host=host, port=port, count=workers)


async def listen(answer: Application, *, host: str, port: int, stop: asyncio.Event) -> None:
    """Answer requests until `stop`; then take no more, and let those under way end."""
    server = Server(
        answer,
        address=host,
        port=port,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=30_000, max_buffer_size=64 * 1024),
        websockets=False,
        log_enabled=False,
        backlog=2048,
        backpressure=8192,
    )
    serving = asyncio.create_task(server.serve())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    server.stop()  # type: ignore[no-untyped-call]
    await serving
    stopping.cancel()


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


def refuse_taken_port(host: str, port: int) -> None:
    """Granian shares a port with whoever else has it, and nobody would notice."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
