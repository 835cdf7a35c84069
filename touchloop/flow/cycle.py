"""One turn of a worker: claim, walk the steps, commit; or undo, and find out what was to blame."""

from __future__ import annotations

import logging
from datetime import datetime
from time import perf_counter
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from touchloop.core import clock, ids, locks
from touchloop.flow import steps
from touchloop.flow.batch import Batch, Moved, Stretch, Work
from touchloop.flow.logging import kinds_of
from touchloop.interactions import api as interactions
from touchloop.interactions.api import DEAD_LETTER, Block, Held, Record, alone

if TYPE_CHECKING:
    from touchloop.flow.worker import Worker

ATTEMPTS = 5  # tries of one message by itself before it becomes a dead letter
SUSPECT = 3  # tries of a block after which it is taken apart without being processed
DUE_AT_ONCE = 500

# The machine's faults, not the messages': a full or failing disk, a server that was stopped.
OUTSIDE = (
    psycopg.errors.DiskFull,
    psycopg.errors.IoError,
    psycopg.errors.AdminShutdown,
    psycopg.errors.CrashShutdown,
)

log = logging.getLogger("touchloop.flow")


def take(worker: Worker, *, messages: int) -> int:
    """Process some messages of the inbox; returns how many blocks were taken, 0 if none is."""
    pulse = worker.pulse
    if pulse.owed:  # before another attempt is counted: a disk may stay full for hours
        interactions.forgive(worker.conn, pulse.owed)
        pulse.owed = []
    place, of = pulse.place
    block_ids = interactions.claim(worker.conn, messages=messages, place=place, of=of)
    if not block_ids:
        return 0
    try:
        _process(worker, block_ids)
    except (Moved, psycopg.errors.UniqueViolation, psycopg.errors.TransactionRollback) as error:
        # Two workers met: the other one is done by now, so this turn is simply taken again.
        _undo(worker)
        interactions.forgive(worker.conn, block_ids)
        log.info("taking %d blocks again: %s", len(block_ids), type(error).__name__)
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        if isinstance(error, OUTSIDE):
            pulse.owed = block_ids
        raise
    except Exception as error:
        _undo(worker)
        log.exception("blocks %s could not be processed", block_ids)
        if len(block_ids) == 1:
            _blame(worker, block_ids[0], f"{type(error).__name__}: {error}")
    return len(block_ids)


def wake(worker: Worker) -> int:
    """Look again at customers whose time has come; returns how many."""
    now = clock.now()
    rows = _due(worker, now) and _alone(worker) and _due(worker, now)  # others woke some meanwhile
    if not rows:
        worker.conn.commit()  # rolling back would make psycopg forget every prepared statement
        return 0
    try:
        _walk(worker, Batch(blocks=(), due=[row[0] for row in rows]), steps.ON_DUE)
    except (Moved, psycopg.errors.UniqueViolation, psycopg.errors.TransactionRollback):
        _undo(worker)
    return len(rows)


def again(worker: Worker, stretch: Stretch) -> Batch:
    """Take rows of the log through the steps once more, however often other workers meet it."""
    while True:
        batch = Batch(blocks=(), again=stretch)
        try:
            _walk(worker, batch, steps.ON_REPLAY)
        except (Moved, psycopg.errors.UniqueViolation, psycopg.errors.TransactionRollback):
            _undo(worker)
        else:
            return batch


def _due(worker: Worker, now: datetime) -> list[tuple[int]]:
    return worker.conn.execute(
        "SELECT customer_id FROM refreshes WHERE due_at <= %s ORDER BY due_at LIMIT %s",
        (now, DUE_AT_ONCE),
    ).fetchall()


def _alone(worker: Worker) -> bool:
    locked = worker.conn.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", locks.WAKE).fetchone()
    return bool(locked and locked[0])


def _process(worker: Worker, block_ids: list[int]) -> None:
    blocks = interactions.read(worker.conn, block_ids)
    if not blocks:
        worker.conn.rollback()
        return
    suspects = [block for block in blocks if block.attempts > SUSPECT and block.messages > 1]
    worn = [block for block in blocks if block.attempts > ATTEMPTS and block.messages == 1]
    if suspects or worn:
        _take_apart(worker, suspects, worn)
        return
    batch = Batch(blocks=blocks)
    _walk(worker, batch, steps.ON_INTERACTIONS)
    worker.pulse.processed += sum(block.messages for block in blocks)


def _walk(worker: Worker, batch: Batch, way: tuple[steps.Step, ...]) -> None:
    start, now = perf_counter(), clock.now()
    work = Work(
        conn=worker.conn,
        side=worker.side,
        catalogue=worker.catalogue,
        sources=interactions.load(worker.conn),
        batch_id=interactions.next_batch(worker.conn),
        now=now,
        visits=worker.visits,
        histories=worker.histories,
    )
    batch = steps.walk(batch, work, way)
    interactions.hold(worker.conn, batch.held, now=now)
    interactions.delete(worker.conn, batch.blocks)
    _remember(worker, batch, work, perf_counter() - start)
    worker.conn.commit()
    worker.know(batch)


def _remember(worker: Worker, batch: Batch, work: Work, seconds: float) -> None:
    """The batch's own row: what it counted, what it wrote, what each step did."""
    first = interactions.first_id(work.batch_id)
    worker.conn.execute(
        "INSERT INTO flow_batches (id, worker, started_at, seconds, messages, counts, kinds, steps,"
        " first_id, last_id, exported) VALUES (%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s)",
        (
            work.batch_id,
            worker.name,
            work.now,
            seconds,
            sum(block.messages for block in batch.blocks),
            Jsonb([[source, outcome, n] for (source, outcome), n in sorted(batch.counts.items())]),
            Jsonb(sorted(kinds_of(batch).items())),
            Jsonb(batch.notes),
            first,
            first + len(batch.rows) - 1,
            None if batch.rows else 0,
        ),
    )


def _undo(worker: Worker) -> None:
    worker.conn.rollback()
    worker.side.rollback()


def _blame(worker: Worker, block_id: int, error: str) -> None:
    """Halve the block that failed by itself; a single message is tried again, then set aside."""
    blocks = interactions.read(worker.conn, [block_id])
    for block in blocks:
        if block.messages > 1:
            parts = _singles(block)
            middle = len(parts) // 2
            interactions.replace(worker.conn, block, (parts[:middle], parts[middle:]))
        elif block.attempts >= ATTEMPTS:
            _bury(worker, block, "failed", error)
    worker.conn.commit()


def _take_apart(worker: Worker, suspects: list[Block], worn: list[Block]) -> None:
    """Blocks during which workers died: every message by itself; a killer becomes a dead letter."""
    for block in suspects:
        interactions.replace(worker.conn, block, [[record] for record in _singles(block)])
    for block in worn:
        _bury(worker, block, "worker_died", "the worker ended while it processed this message")
    worker.conn.commit()


def _singles(block: Block) -> list[Record]:
    return [
        alone(record, index) if record.n > 1 else record
        for record in block.records
        for index in range(record.n)
    ]


def _bury(worker: Worker, block: Block, reason: str, detail: str) -> None:
    record = block.records[0]
    now = clock.now()
    message_id = record.ids[0] if record.ids else ""
    interactions.hold(
        worker.conn,
        [
            Held(
                shelf=DEAD_LETTER,
                source_id=record.source_id,
                message_key=UUID(bytes=ids.message_key(record.source_id, message_id))
                if message_id
                else None,
                message_id=message_id,
                reason=reason,
                detail=detail,
                record=record,
                received_at=clock.from_micros(record.received_us),
                attempts=block.attempts,
            )
        ],
        now=now,
    )
    interactions.delete(worker.conn, [block])
    interactions.add(worker.conn, record.source_id, {"sent": 1, "quarantined": 1}, now=now)
