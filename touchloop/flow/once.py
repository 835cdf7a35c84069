"""Step `once`: each event counts once, by (source, messageId).

The same payload again is a duplicate. A different payload under the same id is a conflict: it is
held, never silently dropped. What already waits in quarantine is known by its key as well.
"""

from __future__ import annotations

from touchloop.core import arrays
from touchloop.flow.batch import Batch, Message, Work


def drop_duplicates(batch: Batch, work: Work) -> Batch:
    """Keep the first of each message; count duplicates; hold conflicts."""
    known = _known(batch, work)
    kept: list[Message] = []
    duplicates = conflicts = 0
    for message in batch.messages:
        seen = known.get(message.key)
        if seen is None:
            known[message.key] = message.envelope.payload_hash
            kept.append(message)
        elif seen == message.envelope.payload_hash:
            batch.counts[message.source.id, "duplicate"] += 1
            duplicates += 1
        else:
            batch.set_aside(message, "id_conflict", "another payload came under this message id")
            conflicts += 1
    batch.messages = kept
    batch.note("once", duplicates=duplicates, conflicts=conflicts)
    return batch


def _known(batch: Batch, work: Work) -> dict[bytes, int]:
    keys = arrays.uuids(message.key for message in batch.messages)
    rows = work.conn.execute(
        "SELECT message_key, payload_hash FROM interactions WHERE message_key = ANY(%s::uuid[])",
        (keys,),
        binary=True,
    ).fetchall()
    return {key.bytes: payload_hash for key, payload_hash in rows}
