"""How our processes share the machine: they end with their parent, their threads take turns."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time

LOOK_SECONDS = 0.5
GRACE_SECONDS = 5.0
SWITCH_SECONDS = 0.0005


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


def take_short_turns() -> None:
    """Let the threads of this process hand the interpreter on after half a millisecond, not five.

    A thread that speaks to a database or a mail server gives it away at every word, and should not
    wait so long each time until another one, that computes, gives it back.
    """
    sys.setswitchinterval(SWITCH_SECONDS)


def collect_rarely() -> None:
    """Look for cycles of objects rarely: a batch makes many objects that live until its end and
    hold hardly any, and to look cost deliveries a sixth of their time.
    """
    gc.set_threshold(200_000, 50, 50)


def refuse_taken_port(host: str, port: int) -> None:
    """Raises OSError. Our servers share their ports, so that a stranger there goes unnoticed."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(1)
