"""A server to be measured, in a process of its own."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from touchloop.bench.posting import SPAWN


@contextmanager
def served(server: Callable[[int, str], None], url: str) -> Iterator[int]:
    """`server(port, url)` at a free port, until the block ends. Raises OSError after a minute."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    process = SPAWN.Process(target=server, args=(port, url))
    process.start()
    try:
        _wait_for(port)
        yield port
    finally:
        process.terminate()
        process.join(20)


def _wait_for(port: int) -> None:
    give_up = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.05)
