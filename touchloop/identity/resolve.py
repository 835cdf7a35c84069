"""From what messages claim about a person to the subject that each hangs on, a batch at a time.

When every identifier and link of the batch is known, nothing is locked and nothing written. Else
one short transaction, under the one lock of this room, stores what is new and recomputes the
neighbourhood. A newcomer that hangs on nothing stored (a new customer) is placed without reading
anything.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from touchloop.core import clock
from touchloop.core.db import Connection
from touchloop.identity import known
from touchloop.identity.graph import ALIAS, DECLARED, OBSERVED
from touchloop.identity.known import Key, Tie
from touchloop.identity.namespaces import normalise, rule
from touchloop.identity.recompute import Change
from touchloop.identity.storing import Origin, note, store, tie, times


class Claim(Struct, frozen=True, gc=False):
    """What one message says about who it is from: (namespace, raw value), strongest first.

    `declares`: the message states that these belong together (identify, alias) rather than merely
    carrying them. `previous` is the identifier that an alias gives up for the first of `ids`. The
    wire does not say of which kind it was: as an anonymous id, it also stands for the user id of
    the same value, if there ever is one.
    """

    ids: tuple[tuple[str, str], ...]
    declares: bool
    previous: tuple[str, str] | None
    source_id: int
    message_key: UUID | bytes | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Resolution:
    """One subject per claim (0: nothing usable), and the customers that changed."""

    subjects: list[int]
    touched: list[Change]


def resolve(conn: Connection, claims: Sequence[Claim]) -> Resolution:
    """Find or make the subject of every claim.

    `conn` must not be in a transaction: what is stored here is committed before this returns, so
    that the lock is held briefly. What is stored depends on the set of claims ever made only, so a
    batch that is resolved again after a crash changes nothing.
    """
    with conn.transaction():
        subjects = known.settled(conn, ((_said(claim), claim.at) for claim in claims))
        if None not in subjects:
            return Resolution([subject or 0 for subject in subjects], [])
        news = [claim for claim, subject in zip(claims, subjects, strict=True) if subject is None]
        keys: dict[Key, Origin] = {}
        ties: dict[Tie, Origin] = {}
        usable = [_read(claim, keys, ties) for claim in news]
        ids = known.find(conn, keys)
        stored = len(ids) == len(keys) and not known.unknown(conn, ids, times(ties))
    touched: list[Change] = []
    if not stored:
        ids, touched = store(conn, keys, ties)
    found = iter([tuple([ids[key] for key in each]) for each in usable])
    for place, claim in enumerate(claims):
        if subjects[place] is None:
            own = next(found)
            subjects[place] = own[0] if own else 0
            known.settle(_said(claim), own, claim.at)
    return Resolution([subject or 0 for subject in subjects], touched)


def _said(claim: Claim) -> Hashable:
    """What of a claim decides about identifiers and links."""
    return claim.ids, claim.previous, claim.declares


def _read(claim: Claim, keys: dict[Key, Origin], ties: dict[Tie, Origin]) -> list[Key]:
    """Note the identifiers and links of a claim; gives its identifiers, the strongest first."""
    usable: list[Key] = []
    for namespace, raw in claim.ids:
        value = normalise(namespace, raw)
        if value is not None and (namespace, value) not in usable:
            usable.append((namespace, value))
    if len(usable) > 1:
        usable.sort(key=_priority)
    kinds = [DECLARED if claim.declares else OBSERVED] * len(usable)
    if claim.previous is not None:
        value = normalise(*claim.previous)
        if value is not None and (claim.previous[0], value) not in usable[:1]:
            usable.append((claim.previous[0], value))
            kinds.append(ALIAS)
    if usable:
        origin = Origin(clock.micros(claim.at), claim.source_id, claim.message_key)
        center = usable[0]
        note(keys, center, origin)
        for other, kind in zip(usable[1:], kinds[1:], strict=True):
            note(keys, other, origin)
            note(ties, tie(center, other, kind), origin)
    return usable


def _priority(key: Key) -> int:
    return rule(key[0]).priority
