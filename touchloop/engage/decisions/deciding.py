"""decide(): the offers for this customer here and now, in order, with reasons; and what was not.

A decision costs two queries to read, however many are asked together, and one to record. Offers,
policy and model are compiled once and kept while their stamp, which comes with the facts, is the
same.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
from django.utils.translation import gettext as _
from msgspec import Struct

from touchloop.core import clock, ids
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid, NotFound
from touchloop.engage.decisions import facts as reading
from touchloop.engage.decisions.asking import Chosen, Decision, Request
from touchloop.engage.decisions.choosing import Choice, choose, ranked
from touchloop.engage.decisions.compiled import Compiled
from touchloop.engage.decisions.facts import Facts, Stamp
from touchloop.engage.decisions.policy import policy, policy_of
from touchloop.engage.decisions.propensity import Model, model
from touchloop.engage.decisions.recording import record as _record
from touchloop.engage.offers import api as offers

MOST_OFFERS: Final = 50
LARGEST_CONTEXT: Final = 4_096
NO_EXPLORATION: Final = 1.0


def decide(conn: Connection, request: Request, *, record: bool = True) -> Decision:
    """One decision, in the caller's transaction. NotFound for a customer who is not there."""
    decision = decide_all(conn, [request], record=record)[0]
    if decision is None:
        raise NotFound(_("There is no such customer."))
    return decision


def decide_all(
    conn: Connection, requests: Sequence[Request], *, record: bool = True
) -> list[Decision | None]:
    """Many at once, for as many queries as one; None where the customer is not there.

    Invalid when a request cannot be understood; then none of them is decided.
    """
    if not requests:
        return []
    for request in requests:
        check(request)
    numbers = [ids.uuid7() for _request in requests]
    compiled, found = _read(conn, requests, [_draw(number) for number in numbers])
    made: list[tuple[UUID, Facts, Choice]] = []
    answers: list[Decision | None] = []
    for request, number, facts in zip(requests, numbers, found, strict=True):
        if facts is None:
            answers.append(None)
            continue
        choice = choose(compiled, facts, explain=request.explain)
        answers.append(_decision(compiled, facts, choice, number if record else None))
        made.append((number, facts, choice))
    if record and made:
        _record(conn, compiled, made)
    return answers


def simulate(
    conn: Connection,
    request: Request,
    *,
    traits: Mapping[str, Any] | None = None,
    segments: Mapping[int, bool] | None = None,
) -> Anatomy:
    """What this customer would get then and there, with other traits or memberships.

    The same code as `decide`, without exploration and without a trace.
    """
    check(request)
    compiled, found = _read(conn, [request], [NO_EXPLORATION])
    facts = found[0]
    if facts is None:
        raise NotFound(_("There is no such customer."))
    members = set(facts.members)
    for id, member in (segments or {}).items():
        (members.add if member else members.discard)(id)
    facts = msgspec.structs.replace(
        facts, traits=facts.traits | dict(traits or {}), members=tuple(sorted(members))
    )
    return _anatomy(compiled, facts, choose(compiled, facts), None)


class Anatomy(Struct, frozen=True):
    """A decision with everything that went into it: for people who ask why."""

    decision: Decision
    facts: Facts
    candidates: tuple[Chosen, ...]  # all that were weighed, in the order of their priority


def replay(conn: Connection, decision_id: UUID) -> Decision:
    """A recorded decision, made again from its inputs; equal to what was answered."""
    return anatomy(conn, decision_id).decision


def anatomy(conn: Connection, decision_id: UUID) -> Anatomy:
    """A recorded decision with its facts and all its candidates; NotFound when there is none."""
    row = conn.execute(_STORED, (decision_id,)).fetchone()
    if row is None:
        raise NotFound(_("There is no decision of this number."))
    return replayed(conn, row)[0]


def replayed(conn: Connection, row: tuple[Any, ...]) -> tuple[Anatomy, Compiled]:
    """Of a row: id, book, policy, model, inputs, propensities."""
    id, book_id, policy_version, model_version, inputs, packed = row
    compiled = _then(conn, Stamp(book_id, policy_version, model_version))
    facts = _FACTS.decode(inputs)
    given = struct.unpack(f"<{len(packed) // 4}f", packed)
    return _anatomy(compiled, facts, choose(compiled, facts, given=given), id), compiled


def check(request: Request) -> None:
    """Invalid names the part of a request that cannot be understood."""
    if (request.customer_id is None) == (request.identifier is None):
        raise Invalid("customer", _("either a customer's number or an identifier is needed"))
    if request.customer_id is not None and not 0 < request.customer_id < 1 << 63:
        raise Invalid("customer_id", _("a positive number is expected"))
    if not request.channel or len(request.channel) > 60:
        raise Invalid("channel", _("the channel is needed: store, web, call_centre, …"))
    if max(len(request.location), len(request.placement)) > 200:
        raise Invalid("location", _("names have at most 200 characters"))
    if not 1 <= request.limit <= MOST_OFFERS:
        raise Invalid("limit", _("between 1 and %d offers can be asked for") % MOST_OFFERS)
    if request.context and len(msgspec.json.encode(request.context)) > LARGEST_CONTEXT:
        raise Invalid("context", _("it has at most %d bytes") % LARGEST_CONTEXT)


def _read(
    conn: Connection, requests: Sequence[Request], draws: Sequence[float]
) -> tuple[Compiled, list[Facts | None]]:
    """Facts, with the book that they were read for; once more when the tables have moved on."""
    while True:
        compiled = _newest.get("compiled")
        needs = compiled.needs if compiled else reading.Needs((), (), ())
        stamp, found = reading.read(conn, requests, needs, draws=draws)
        if compiled is not None and stamp == _stamp_of(compiled):
            return compiled, found
        _newest["compiled"] = newest(conn)


def newest(conn: Connection) -> Compiled:
    """The offers, policy and model that count now."""
    row = conn.execute("SELECT coalesce(max(version), 0) FROM decision_models").fetchone()
    return Compiled(offers.live(conn), policy(conn), model(conn, row[0] if row else 0))


def _then(conn: Connection, stamp: Stamp) -> Compiled:
    """What a stored decision was made with. The model is not needed: its word is stored."""
    kept = _earlier.get(stamp)
    if kept is None:
        book = offers.book(conn, stamp.book)
        kept = Compiled(book, policy_of(conn, stamp.policy), Model(stamp.model))
        while len(_earlier) >= 20:
            del _earlier[next(iter(_earlier))]
        _earlier[stamp] = kept
    return kept


def forget() -> None:
    """Forget what was compiled: another database may have the same numbers."""
    _newest.clear()
    _earlier.clear()
    offers.forget()


_newest: dict[str, Compiled] = {}
_earlier: dict[Stamp, Compiled] = {}


def _stamp_of(compiled: Compiled) -> Stamp:
    return Stamp(compiled.book.id, compiled.policy.version, compiled.model.version)


def _draw(number: UUID) -> float:
    """The random draw of a decision is in its number, so it is recorded with it."""
    return (number.int & ((1 << 53) - 1)) / (1 << 53)


def _decision(compiled: Compiled, facts: Facts, choice: Choice, number: UUID | None) -> Decision:
    return Decision(
        number,
        facts.customer_id,
        clock.from_micros(facts.at),
        facts.channel,
        facts.location,
        facts.placement,
        choice.chosen,
        choice.held,
        choice.holdout,
        choice.explored,
        *(compiled.book.id, compiled.policy.version, compiled.model.version),
    )


def _anatomy(compiled: Compiled, facts: Facts, choice: Choice, number: UUID | None) -> Anatomy:
    return Anatomy(
        _decision(compiled, facts, choice, number), facts, ranked(compiled, facts, choice)
    )


_FACTS = msgspec.json.Decoder(Facts)
_STORED = """
SELECT id, book_id, policy_version, model_version, inputs, propensities
FROM decisions WHERE id = %s
"""
