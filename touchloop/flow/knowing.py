"""Step `know`: the batch is added up per customer, and the canonical rows are folded anew.

Adding up also locks the customers, in the order of their ids. Only then it is certain whom the
interactions belong to: when another worker has merged or split one of them meanwhile, the batch is
taken again.
"""

from __future__ import annotations

from uuid import UUID

from touchloop.consent.api import allowed_mask
from touchloop.flow import naming
from touchloop.flow.batch import Batch, Message, Moved, Work
from touchloop.identity.api import pending_changes, settle_changes
from touchloop.insight.segments.api import forget as forget_memberships
from touchloop.profiles.api import (
    ORDER,
    Touch,
    TraitValue,
    advance_stages,
    authority_of,
    fold,
    forget,
    record,
    recount,
    take_turn,
    touch,
)

SYSTEM_SOURCE = "system"


def fold_profiles(batch: Batch, work: Work) -> Batch:
    """Write activity, traits and canonical rows of everybody whom the batch concerns."""
    touches = [] if batch.again else _touches(batch)
    fresh, turns = touch(work.conn, touches)
    changes = pending_changes(work.conn)
    changed = {customer for change in changes for customer in change.customers}
    absorbed = {gone for change in changes for gone in change.absorbed} - changed
    again = {message.customer_id for message in batch.messages} if batch.again else set()
    told_of = again | {message.customer_id for message in batch.messages if _ours(message)}
    others = (changed | absorbed | set(batch.due) | told_of) - turns.keys()
    turns |= take_turn(work.conn, sorted(others))
    if naming.assign(batch, work):
        raise Moved
    told = _keep_traits(batch, work)
    if changes:
        forget(work.conn, sorted(absorbed))
        forget_memberships(work.conn, sorted(absorbed))
        settle_changes(work.conn, changes)
    changed |= again
    recount(work.conn, sorted(changed))
    refold = set(fresh) | told | batch.refold | changed | set(batch.due)
    fold(work.conn, sorted(refold), allowed=allowed_mask(work.conn, sorted(refold)), now=work.now)
    bought = [one.customer_id for one in touches if one.orders]
    refold.update(advance_stages(work.conn, [*bought, *changed]))
    batch.turns = {id: turn for id, turn in turns.items() if id not in changed}
    batch.customers = {**_events(batch), **dict.fromkeys(refold)}
    batch.note("know", customers=len(batch.customers), folded=len(refold), merged=len(absorbed))
    return batch


def _events(batch: Batch) -> dict[int, frozenset[str] | None]:
    """The names of each customer's new events."""
    names: dict[int, set[str]] = {}
    for message in batch.messages:
        names.setdefault(message.customer_id, set()).add(message.envelope.name)
    kept: dict[frozenset[str], frozenset[str]] = {}  # few distinct sets: one object for each
    return {
        id: kept.setdefault(found, found) for id, s in names.items() for found in [frozenset(s)]
    }


def _ours(message: Message) -> bool:
    """What Touchloop says of a customer is no act of the customer's."""
    return message.source.kind == SYSTEM_SOURCE


def _touches(batch: Batch) -> list[Touch]:
    sums: dict[int, list[float]] = {}
    for message, row in zip(batch.messages, batch.rows, strict=True):
        if _ours(message):
            continue
        at = row.occurred_us
        mine = sums.get(message.customer_id)
        if mine is None:
            mine = sums[message.customer_id] = [at, at, 1, 0, 0.0]
        else:
            if at < mine[0]:
                mine[0] = at
            elif at > mine[1]:
                mine[1] = at
            mine[2] += 1
        envelope = message.envelope
        if envelope.name == ORDER and envelope.type == "track":
            mine[3] += 1
            mine[4] += row.value or 0.0
    return [
        Touch(customer_id, int(first), int(last), int(n), int(orders), spend)
        for customer_id, (first, last, n, orders, spend) in sums.items()
    ]


def _keep_traits(batch: Batch, work: Work) -> set[int]:
    """Record the traits of identify calls; returns the customers that were told something."""
    values = [
        TraitValue(
            subject_id=message.subject_id,
            name=name,
            authority=authority_of(message.source.kind),
            value=value,
            source_id=message.source.id,
            at=message.envelope.occurred_at,
            tie=UUID(bytes=message.key),
        )
        for message in batch.messages
        if message.envelope.type == "identify"
        for name, value in message.traits.items()
    ]
    told = record(work.conn, values)
    return {message.customer_id for message in batch.messages if message.subject_id in told}
