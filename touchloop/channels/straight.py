"""Messages that leave by the hand of whoever asks for them, and never wait in the outbox.

They are written as claimed, and handed over when that is committed. Everything that could stand
against them is asked once: the locks of their customers are taken before it is read and held, over
the commit, until the outcomes are written, so that no withdrawal can come in between. What may not
go now is written as always, and waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from time import perf_counter

from touchloop.channels import outbox
from touchloop.channels.seam import Delivery
from touchloop.core.db import Connection


class Straight:
    """What is on its way: give it to `request`, commit, and call `hand_straight`."""

    def __init__(self, conn: Connection) -> None:
        self.claimed: list[Delivery] = []
        self.since = 0.0
        self._conn = conn

    def hold(self, customer_ids: Iterable[int]) -> None:
        """Keep withdrawals of these customers waiting until all is out."""
        outbox.hold_on(self._conn, customer_ids)
        self.since = self.since or perf_counter()


@contextmanager
def straight(conn: Connection) -> Iterator[Straight]:
    """For one chunk. At the end what is not committed is undone, and withdrawals may go on."""
    try:
        yield Straight(conn)
    finally:
        if not conn.closed:
            conn.rollback()
            outbox.let_go(conn)
            conn.commit()
