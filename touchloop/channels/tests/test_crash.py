"""Workers that die while they hand over: forty kills, and a server that keeps a list."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from touchloop.channels import api
from touchloop.channels.seam import Channel, Rendered, Sent
from touchloop.channels.tests.conftest import People, want
from touchloop.core import db

KILLS = 40
A_ROUND = 40  # customers: a fifth are owed a service message, which goes first
SEED = 20260302


class Ledger:
    """The other side: what it took stands in a file, also when the sender dies at that moment."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()

    def batch(self, messages: Sequence[Rendered], now: datetime) -> Iterable[Sent]:
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        for message in messages:
            os.write(file, f"{message.delivery.id} {message.delivery.message_id}\n".encode())
            yield Sent(message.delivery.id, "handed")

    def taken(self) -> Counter[tuple[int, str]]:
        lines = self.path.read_text().splitlines()
        return Counter((int(id), name) for id, name in (line.split() for line in lines))

    def length(self) -> int:
        return len(self.path.read_bytes().splitlines())


def _work(now: datetime) -> None:
    with db.connect() as own:
        while api.deliver_once(own, now, 25):
            pass


@pytest.mark.crash
def test_forty_kills_and_no_offer_twice(
    conn: db.Connection, people: People, now: datetime, tmp_path: Path
) -> None:
    chance = random.Random(SEED)
    ledger = Ledger(tmp_path / "taken")
    api.register(Channel("post", "Post", address_namespace="email", batch=ledger.batch, at_once=9))
    at, kills = now, 0
    for turn in range(400):
        if kills == KILLS:
            break
        at += timedelta(minutes=2)  # what the one before had claimed is lost by now
        ids = people.add(A_ROUND, start=turn * A_ROUND)
        api.request(
            conn,
            [want(id, f"c:{id}", kind="marketing" if id % 5 else "service") for id in ids],
            now=at,
        )
        conn.commit()
        goal = ledger.length() + chance.randrange(A_ROUND)
        kills += killed_at(goal, ledger, _work, at)
    assert kills == KILLS, f"seed {SEED}"
    for hours in range(1, 8):
        while api.deliver_once(conn, at + timedelta(hours=hours), 500):
            pass
    api.unregister("post")
    _agree(conn, ledger.taken())


def killed_at(goal: int, ledger: Ledger, work: Callable[..., None], *given: Any) -> bool:
    """Let a process do this work, and kill it when the other side has so many; True if it was."""
    worker = multiprocessing.get_context("fork").Process(target=work, args=given)
    worker.start()
    while worker.is_alive() and ledger.length() < goal:
        threading.Event().wait(0.0005)
    alive = worker.is_alive()
    if alive:
        os.kill(worker.pid or 0, signal.SIGKILL)
    worker.join()
    return alive


def _agree(conn: db.Connection, taken: Counter[tuple[int, str]]) -> None:
    """What the outbox says and what the other side has."""
    rows = conn.execute("SELECT id, kind, state, message_id FROM deliveries").fetchall()
    assert len(rows) > KILLS * A_ROUND / 2
    kinds = {id: kind for id, kind, _, _ in rows}
    assert {name for _, name in taken} <= {name for *_, name in rows}
    assert len({id for id, _ in taken}) == len(taken)  # one message id each, however often sent
    twice = [id for (id, _), n in taken.items() if n > 1 and kinds[id] == "marketing"]
    assert twice == []
    got = {id for id, _ in taken}
    in_doubt = 0
    for id, kind, state, _name in rows:
        if kind == "service":
            assert state == "handed" and id in got
        elif state == "handed":
            assert id in got
        else:
            assert state == "uncertain"  # whether it was taken or not: it is listed
            in_doubt += 1
    assert {id for id in got if kinds[id] == "marketing"} <= {row[0] for row in rows}
    assert in_doubt > 0, "no kill met an offer on its way: the test shows nothing"
