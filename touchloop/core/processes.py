"""Processes that must not outlive the one that started them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time

LOOK_SECONDS = 0.5
GRACE_SECONDS = 5.0


def end_with_parent(parent: int | None = None) -> None:
    """End this process soon after its parent has ended, by whatever cause.

    A server's worker processes call this: when their main process is killed, they would go on to
    hold its port for ever. A process made by `os.fork` must say who its parent is: multiprocessing
    tells it who started the process that it is a copy of.
    """
    if parent is None:
        started_by = multiprocessing.parent_process()
        parent = started_by.pid if started_by and started_by.pid else os.getppid()
    threading.Thread(target=_watch, args=(parent,), name="parent-watch", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(1)
