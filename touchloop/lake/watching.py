"""Long work that tells how far it is, and that can be called off."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from touchloop.lake.engines.base import Engine, Stopped

EVERY_SECONDS = 0.5


@contextmanager
def watched(
    engine: Engine, tell: Callable[[float], None], *, every: float = EVERY_SECONDS
) -> Iterator[None]:
    """Tell the share that is done of each query in the block, 0 to 1, every so many seconds.

    `tell` runs in a thread of its own. What it raises calls the work off: the query is stopped, and
    the block ends with what was raised.
    """
    ended = threading.Event()
    called_off: list[BaseException] = []

    def watch() -> None:
        while not ended.wait(every):
            try:
                share = engine.progress()
                if share is not None:
                    tell(share)
            except BaseException as error:
                called_off.append(error)
                _stop(engine, ended)
                return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    except Stopped:
        if not called_off:
            raise
    finally:
        ended.set()
        thread.join()
    if called_off:
        raise called_off[0]


def _stop(engine: Engine, ended: threading.Event) -> None:
    """Until the block ended: between two queries there is none to stop."""
    engine.interrupt()
    while not ended.wait(EVERY_SECONDS):
        engine.interrupt()
