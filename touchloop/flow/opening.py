"""Step `open`: records become messages; what the contract forbids is held with its reason."""

from __future__ import annotations

from uuid import UUID

from touchloop.core import clock, ids
from touchloop.flow.batch import Batch, Message, Work
from touchloop.interactions.api import QUARANTINE, Held, Record, Rejected, Source, alone, explode


def open_records(batch: Batch, work: Work) -> Batch:
    """Unpack every record of the batch."""
    for block in batch.blocks:
        for record in block.records:
            source = work.sources.get(record.source_id)
            if source is None:
                raise LookupError(
                    f"the inbox names source {record.source_id}, which does not exist"
                )
            batch.counts[source.id, "sent"] += record.n
            _open(batch, record, source)
    batch.note("open", messages=len(batch.messages), held=len(batch.held))
    return batch


def _open(batch: Batch, record: Record, source: Source) -> None:
    for item in explode(record):
        if isinstance(item, Rejected):
            batch.held.append(_rejected(item, record))
            batch.counts[source.id, "quarantined"] += 1
        else:
            key = ids.message_key(source.id, item.message_id)
            batch.messages.append(Message(item, record, source, key))


def _rejected(item: Rejected, record: Record) -> Held:
    key = ids.message_key(record.source_id, item.message_id) if item.message_id else None
    return Held(
        shelf=QUARANTINE,
        source_id=record.source_id,
        message_key=UUID(bytes=key) if key else None,
        message_id=item.message_id,
        reason=item.reason,
        detail=item.detail,
        record=record if record.n == 1 else alone(record, item.index),
        received_at=clock.from_micros(record.received_us),
    )
