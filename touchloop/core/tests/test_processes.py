"""Processes end with their parents, and not before."""

from __future__ import annotations

import multiprocessing
import os
import signal
from multiprocessing.connection import Connection

from touchloop.core.processes import end_with_parent

SPAWN = multiprocessing.get_context("spawn")


def test_what_a_process_of_multiprocessing_forks_goes_on_while_its_parent_lives() -> None:
    told, ours = SPAWN.Pipe(duplex=False)
    process = SPAWN.Process(target=_forks, args=(ours,))
    process.start()
    assert told.recv() == "lives"
    process.join()


def _forks(told: Connection) -> None:
    parent = os.getpid()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    end_with_parent(parent)
    ended = signal.sigtimedwait({signal.SIGTERM}, 0.1)
    told.send("ended" if ended else "lives")
    os._exit(0)
