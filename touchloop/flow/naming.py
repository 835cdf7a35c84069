"""Step `who`: the identifiers of a message become its subject, and subjects become customers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from touchloop.flow.batch import Batch, Message, Work
from touchloop.identity.api import Claim, customers_of, resolve
from touchloop.profiles.api import permitted

Id = tuple[str, str]

# What the outside calls its identifiers, and our namespace for them.
EXTERNAL = {"card": "card", "loyalty_card": "card", "email": "email", "phone": "phone",
            "user_id": "user_id", "anonymous_id": "anonymous_id", "device": "device",
            "ios.idfa": "device", "android.idfa": "device"}


def name_customers(batch: Batch, work: Work) -> Batch:
    """Give every message its subject and its customer; hold what nobody can be found for."""
    places: dict[tuple[Any, ...], int] = {}
    claims: list[Claim] = []
    wanted = []
    for message in batch.messages:
        claim = _claim(message)
        key = (claim.ids, claim.declares, claim.previous)
        if key not in places:
            places[key] = len(claims)
            claims.append(claim)
        wanted.append(places[key])
    resolution = resolve(work.side, claims)
    kept = []
    for message, place in zip(batch.messages, wanted, strict=True):
        message.subject_id = resolution.subjects[place]
        if message.subject_id:
            kept.append(message)
        else:
            batch.set_aside(message, "no_identifier", "every identifier is blocked or unusable")
    batch.messages = kept
    assign(batch, work)
    batch.note("who", claims=len(claims), changed=len(resolution.touched))
    return batch


def assign(batch: Batch, work: Work) -> bool:
    """Look the customers of the subjects up; tells whether any differs from before."""
    found = customers_of(work.conn, sorted({message.subject_id for message in batch.messages}))
    moved = False
    for message in batch.messages:
        customer_id = found[message.subject_id]
        moved = moved or customer_id != message.customer_id
        message.customer_id = customer_id
    return moved


def _claim(message: Message) -> Claim:
    envelope = message.envelope
    traits = envelope.traits
    if traits:
        traits, refused = permitted(traits, trusted=message.source.trusted)
        message.traits = traits
    ids: list[Id] = []
    if envelope.user_id:
        ids.append(("user_id", envelope.user_id))
    ids += [(EXTERNAL.get(kind, f"external:{kind[:60]}"), id) for kind, id in envelope.external_ids]
    if envelope.type == "identify":
        ids += [(name, traits[name]) for name in ("email", "phone")
                if isinstance(traits.get(name), str) and traits[name]]
    if envelope.anonymous_id:
        ids.append(("anonymous_id", envelope.anonymous_id))
    return Claim(
        ids=tuple(dict.fromkeys(ids)),
        declares=envelope.type in ("identify", "alias"),
        previous=_previous(envelope.previous_id) if envelope.type == "alias" else None,
        source_id=message.source.id,
        message_key=UUID(bytes=message.key),
        at=envelope.received_at,
    )


def _previous(id: str) -> Id:
    """What an alias calls the former id: the contract does not say of which kind it was."""
    return ("anonymous_id", id)
