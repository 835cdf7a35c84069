"""What goes out by itself, each at its own pace: triggers, the outbox, campaigns; what is learned.

Three lanes, each a thread with a connection of its own: handing over waits for mail servers, and a
trigger that is due must not wait for it; learning is slow, and nobody waits for it. Campaigns hand
over themselves, after the outbox, where service messages come first. Any number of these processes
may run: whatever they take, they claim.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

import psycopg

from touchloop.channels import api as channels
from touchloop.core import clock, db, locks
from touchloop.core.db import Connection
from touchloop.core.processes import collect_rarely, take_short_turns
from touchloop.engage.campaigns import api as campaigns
from touchloop.engage.decisions import api as decisions
from touchloop.engage.triggers import api as triggers
from touchloop.experience.signals import api as signals
from touchloop.experience.surveys import api as surveys
from touchloop.insight.segments import api as segments
from touchloop.privacy import api as retention

AT_ONCE = 2_000  # of a turn: what others wait for is never kept long
LEARNED_AT_MOST = 100_000  # of a turn: others wait in this lane
LOOK_SECONDS = 0.05
FAULT_SECONDS = 5.0
LONGEST_AWAY = 5.0

log = logging.getLogger("touchloop.flow")


@dataclass(frozen=True, slots=True)
class Duty:
    """Something to be done again and again: `run` says how much it did, and may commit itself.

    Between two turns lie `seconds`; an eager one goes on at once as long as it finds something, the
    others have their first turn when the process has lived that long.
    """

    name: str
    run: Callable[[Connection, datetime], int]
    seconds: float
    eager: bool = True


def send_campaigns(conn: Connection, now: datetime) -> int:
    """Send a chunk of each campaign that runs."""
    return campaigns.send(conn, now)


def walk_triggers(conn: Connection, now: datetime) -> int:
    """Take the runs that are due through their steps."""
    return triggers.due(conn, now, AT_ONCE)


def hand_over(conn: Connection, now: datetime) -> int:
    """Hand over what is due in the outbox."""
    return channels.deliver_once(conn, now, AT_ONCE)


def close_invitations(conn: Connection, now: datetime) -> int:
    """Close the invitations that were not answered in time."""
    return surveys.due(conn, now=now)


def brake_campaigns(conn: Connection, now: datetime) -> int:
    """Pause the campaigns about which too many complain."""
    return campaigns.brake(conn, now)


def age(conn: Connection, now: datetime) -> int:
    """Forget what has been kept long enough."""
    return sum(retention.age(conn, now=now).values())


def learn(conn: Connection, now: datetime) -> int:
    """Learn from the decisions that are settled, some thousands at a time."""
    total = 0
    while total < LEARNED_AT_MOST and (settled := decisions.learn(conn, now)):
        conn.commit()
        total += settled
    return total


def notice_signals(conn: Connection, now: datetime) -> int:
    """Look for the slow signals of everybody over the lake, one process at a time."""
    row = conn.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", locks.SIGNALS).fetchone()
    if not (row and row[0]):
        return 0
    with segments.engine(conn) as engine:
        return signals.scan(conn, engine, now=now)


LANES: dict[str, tuple[Duty, ...]] = {
    "deciding": (Duty("triggers", walk_triggers, 0.2),),
    "handing": (
        Duty("outbox", hand_over, 0.2),
        Duty("campaigns", send_campaigns, 0.1),  # somebody has started it and looks on
    ),
    "learning": (
        Duty("invitations", close_invitations, 60.0, eager=False),
        Duty("complaints", brake_campaigns, 60.0, eager=False),
        Duty("retention", age, 3_600.0, eager=False),
        Duty("decisions", learn, 30.0, eager=False),
        Duty("signals", notice_signals, 3_600.0, eager=False),
    ),
}


def run(*, stop: Callable[[], bool]) -> None:
    """Deliver until `stop()` says so; what is begun is finished. Reconnects when the database was
    away; a duty that fails is logged and tried again, the others go on.
    """
    take_short_turns()
    collect_rarely()
    done = threading.Event()
    lanes = [
        threading.Thread(target=_keep_to, args=(duties, done), name=name)
        for name, duties in LANES.items()
    ]
    for lane in lanes:
        lane.start()
    try:
        while not stop():
            time.sleep(LOOK_SECONDS)
    finally:
        done.set()
        for lane in lanes:
            lane.join()


def drain(*, deadline: float = 60.0) -> int:
    """Do everything that is due now and does not wait, until nothing is; gives how much."""
    end, total = time.monotonic() + deadline, 0
    with contextlib.closing(db.connect(application="touchloop deliver")) as conn:
        while time.monotonic() < end:
            eager = (duty for duties in LANES.values() for duty in duties if duty.eager)
            did = sum([_turn(conn, duty) for duty in eager])
            if not did:
                return total
            total += did
    raise TimeoutError("the deliveries did not end in time")


@dataclass(slots=True)
class _Paces:
    """When each duty of a lane may have its next turn."""

    duties: tuple[Duty, ...]
    next: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.next = {
            duty.name: 0.0 if duty.eager else time.monotonic() + duty.seconds
            for duty in self.duties
        }

    def attend(self, conn: Connection) -> bool:
        """A turn of each whose time has come; whether one of them will go on at once."""
        more = False
        for duty in self.duties:
            if time.monotonic() < self.next[duty.name]:
                continue
            try:
                did = _turn(conn, duty)
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                if conn.closed or not isinstance(error, psycopg.errors.TransactionRollback):
                    raise
                conn.rollback()  # two transactions met: the other one is done by now
                did = 1
            except Exception:
                log.exception("%s failed; it is tried again", duty.name)
                conn.rollback()
                self.next[duty.name] = time.monotonic() + FAULT_SECONDS
                continue
            goes_on = bool(did and duty.eager)
            more = more or goes_on
            self.next[duty.name] = time.monotonic() + (0.0 if goes_on else duty.seconds)
        return more


def _turn(conn: Connection, duty: Duty) -> int:
    did = duty.run(conn, clock.now())
    conn.commit()
    return did


def _keep_to(duties: tuple[Duty, ...], done: threading.Event) -> None:
    """One lane: its duties for ever, over one connection as long as that holds."""
    paces, patience = _Paces(duties), _pauses()
    while not done.is_set():
        try:
            with contextlib.closing(db.connect(application="touchloop deliver")) as conn:
                patience = _pauses()
                while not done.is_set():
                    if not paces.attend(conn):
                        done.wait(LOOK_SECONDS)
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            log.warning("the database is away (%s); trying again", str(error).strip()[:200])
            done.wait(next(patience))


def _pauses() -> Iterator[float]:
    pause = 0.1
    while True:
        yield pause
        pause = min(pause * 2, LONGEST_AWAY)
