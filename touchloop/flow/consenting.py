"""Step `consent`: what the message may be used for, and what it says about consent.

The interaction keeps the purposes that the policy allows for its category as of its arrival; each
later use asks again, with the choices that hold then.
"""

from __future__ import annotations

from functools import lru_cache
from uuid import UUID

from touchloop.consent.api import (
    GIVEN,
    NOBODY_SAID_ANYTHING,
    WITHDRAWN,
    ContactGrant,
    UseGrant,
    mask,
    record_contact,
    record_use,
    said_in,
)
from touchloop.flow.batch import Batch, Message, Work


def ask_consent(batch: Batch, work: Work) -> Batch:
    """Note the permitted uses, and append grants, refusals and objections to the ledgers."""
    uses: list[UseGrant] = []
    contacts: list[ContactGrant] = []
    for message in batch.messages:
        message.uses = _by_default(message.source.category)
        envelope = message.envelope
        if envelope.consent or envelope.gpc or envelope.name in (GIVEN, WITHDRAWN):
            said = _said(message)
            if said[0] or said[1]:
                batch.refold.add(message.customer_id)
            uses += said[0]
            contacts += said[1]
    if uses:
        record_use(work.conn, uses)
    if contacts:
        record_contact(work.conn, contacts)
    if uses or contacts:
        batch.note("consent", uses=len(uses), contacts=len(contacts))
    return batch


def _said(message: Message) -> tuple[list[UseGrant], list[ContactGrant]]:
    envelope = message.envelope
    return said_in(
        {
            "event": envelope.name,
            "properties": envelope.properties,
            "preferences": envelope.consent,
            "gpc": envelope.gpc,
        },
        subject_id=message.subject_id,
        source_id=message.source.id,
        trusted=message.source.trusted,
        at=envelope.occurred_at,
        key=UUID(bytes=message.key),
    )


@lru_cache(maxsize=64)
def _by_default(category: str) -> int:
    return mask(NOBODY_SAID_ANYTHING, category=category)
