"""Step `who`: the identifiers of a message become its subject, and subjects become customers."""

from __future__ import annotations

from typing import Any

from touchloop.flow.batch import Batch, Message, Work
from touchloop.identity.api import Claim, customers_of, for_external_id, resolve
from touchloop.interactions.api import subject_named
from touchloop.profiles.api import permitted

Id = tuple[str, str]


def name_customers(batch: Batch, work: Work) -> Batch:
    """Give every message its subject and its customer; hold what nobody can be found for."""
    ours = _our_own(batch, work)
    places: dict[tuple[Any, ...], int] = {}
    claims: list[Claim] = []
    wanted = []
    for message in batch.messages:
        said = _said(message)
        place = places.get(said)
        if place is None:
            place = places[said] = len(claims)
            claims.append(_claim(message, said))
        wanted.append(place)
    resolution = resolve(work.side, claims)
    kept = []
    for message, place in zip(batch.messages, wanted, strict=True):
        message.subject_id = resolution.subjects[place]
        if message.subject_id:
            kept.append(message)
        else:
            batch.set_aside(message, "no_identifier", "every identifier is blocked or unusable")
    batch.messages = kept + ours
    assign(batch, work)
    batch.note("who", claims=len(claims), changed=len(resolution.touched))
    return batch


def _our_own(batch: Batch, work: Work) -> list[Message]:
    """Take our own news out of the batch: it names its subject. Of the erased nothing is kept."""
    subjects = [
        subject_named(message.record.wire, message.envelope.anonymous_id)
        for message in batch.messages
    ]
    named = sorted({subject for subject in subjects if subject is not None})
    known = customers_of(work.conn, named) if named else {}
    ours, others = [], []
    for message, subject in zip(batch.messages, subjects, strict=True):
        if subject is None:
            others.append(message)
        elif subject in known:
            message.subject_id = subject
            ours.append(message)
        else:
            batch.counts[message.source.id, "erased"] += 1
    batch.messages = others
    return ours


def assign(batch: Batch, work: Work) -> bool:
    """Look the customers of the subjects up; tells whether any differs from before."""
    found = customers_of(work.conn, sorted({message.subject_id for message in batch.messages}))
    moved = False
    for message in batch.messages:
        customer_id = found[message.subject_id]
        moved = moved or customer_id != message.customer_id
        message.customer_id = customer_id
    return moved


def _said(message: Message) -> tuple[Any, ...]:
    """What a message says of who it is from: equal for messages that claim the same."""
    envelope = message.envelope
    email = phone = None
    if envelope.traits:
        message.traits, _ = permitted(envelope.traits, trusted=message.source.trusted)
        if envelope.type == "identify":
            email, phone = message.traits.get("email"), message.traits.get("phone")
    return (
        envelope.user_id,
        envelope.anonymous_id,
        envelope.external_ids,
        email if type(email) is str else None,
        phone if type(phone) is str else None,
        envelope.type in ("identify", "alias"),
        envelope.previous_id if envelope.type == "alias" else "",
    )


def _claim(message: Message, said: tuple[Any, ...]) -> Claim:
    user_id, anonymous_id, external_ids, email, phone, declares, previous = said
    ids: list[Id] = [("user_id", user_id)] if user_id else []
    for kind, id in external_ids:
        namespace = for_external_id(kind)
        if namespace:
            ids.append((namespace, id))
    ids += [(name, value) for name, value in (("email", email), ("phone", phone)) if value]
    if anonymous_id:
        ids.append(("anonymous_id", anonymous_id))
    return Claim(
        ids=tuple(dict.fromkeys(ids)),
        declares=declares,
        previous=_previous(previous) if previous else None,
        source_id=message.source.id,
        message_key=message.key,
        at=message.envelope.received_at,
    )


def _previous(id: str) -> Id:
    """What an alias calls the former id: the contract does not say of which kind it was."""
    return ("anonymous_id", id)
