"""What a decision looks at: everything known of the customers asked about, read in two queries.

A `Facts` is complete: the same facts, book, policy and propensities give the same decision. It is
what a decision is stored with, so it holds only what the live offers ask about.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from django.utils.translation import gettext as _
from msgspec import Struct

from touchloop.consent import api as consent
from touchloop.core import arrays, clock
from touchloop.core.db import Connection
from touchloop.core.statements import Row, Statement
from touchloop.engage.decisions.asking import Request
from touchloop.identity.api import normalise
from touchloop.records.cases import api as cases


class Facts(Struct, frozen=True, array_like=True):
    """All inputs of one decision that are not the offers, the policy or the model.

    `at` in microseconds. `refused` has, for topics that may not be proposed here, why: keys are
    those of `permissions`. `personal` says why what is known of the person may not be used at all
    ("" when it may). `outcomes` are (offer, outcome, microseconds). `draw` is uniform in [0, 1).
    `scores` are those that offers start from, of people who may be profiled.
    """

    customer_id: int
    at: int
    channel: str
    location: str
    placement: str
    limit: int
    context: dict[str, Any]
    members: tuple[int, ...]
    traits: dict[str, Any]
    stage: str
    personal: str
    profiled: bool
    refused: dict[str, str]
    muted: str
    outcomes: tuple[tuple[int, int, int], ...]
    draw: float
    scores: dict[str, float] = {}


class Needs(Struct, frozen=True):
    """What the live offers ask about, as parameters of the query."""

    segments: tuple[int, ...]
    traits: tuple[str, ...]
    topics: tuple[str, ...]
    scores: tuple[str, ...] = ()


class Stamp(Struct, frozen=True):
    """Which offers, policy and model count now."""

    book: int
    policy: int
    model: int


# At these the customer comes to us; anywhere else we come to the customer, and need an opt-in.
INBOUND = frozenset(
    {"web", "mobile", "store", "till", "kiosk", "call_centre", "agent", "ivr", "chat", "in_person",
     "sensor", "app"}
)  # fmt: skip


def read(
    conn: Connection, requests: Sequence[Request], needs: Needs, *, draws: Sequence[float]
) -> tuple[Stamp, list[Facts | None]]:
    """The facts of each request, None for a customer who is not there; and the stamp of the tables.

    Sets `needs.traits` may be a version behind: the caller compares the stamp with its own.
    """
    keys = [_key(request) for request in requests]
    rows = _FACTS.rows(
        conn,
        {
            "ids": arrays.numbers(request.customer_id for request in requests),
            "namespaces": arrays.texts(namespace for namespace, _value in keys),
            "values": arrays.texts(value for _namespace, value in keys),
            "segments": arrays.numbers(needs.segments),
            "traits": arrays.texts(needs.traits),
            "since": min(request.now for request in requests).isoformat(),
        },
    )
    found: list[Facts | None] = [None] * len(requests)
    stamp = Stamp(*map(_number, rows[0][:3]))
    present = [(_number(row[4]), row) for row in rows if row[4] is not None]
    customers = [customer for customer, _row in present]
    muted = cases.selling_muted(conn, customers) if present else {}
    scores = _scores(conn, customers, needs.scores) if needs.scores else {}
    for customer, row in present:
        place = _number(row[3]) - 1
        request = requests[place]
        person = _person(conn, customer, row)
        why, profiled, refused = permissions(person, channel=request.channel, topics=needs.topics)
        found[place] = Facts(
            customer,
            clock.micros(request.now),
            request.channel,
            request.location,
            request.placement,
            request.limit,
            dict(request.context),
            _decoded(row[6], _INTS),
            _decoded(row[7], _TRAITS) if row[7] else {},
            (row[5] or b"").decode(),
            why,
            profiled,
            refused,
            why_muted(muted.get(customer, "")),
            _decoded(row[10], _OUTCOMES),
            draws[place],
            scores.get(customer, {}) if profiled else {},
        )
    return stamp, found


def _scores(
    conn: Connection, customers: Sequence[int], names: Sequence[str]
) -> dict[int, dict[str, float]]:
    """What models say of customers, by the names that offers start from."""
    found: dict[int, dict[str, float]] = {}
    rows = conn.execute(
        "SELECT customer_id, name, value FROM scores WHERE customer_id = ANY(%s::bigint[])"
        " AND name = ANY(%s::text[])",
        (arrays.numbers(customers), arrays.texts(names)),
        prepare=True,
    ).fetchall()
    for customer, name, value in rows:
        found.setdefault(customer, {})[name] = value
    return found


def permissions(
    person: consent.PersonConsent, *, channel: str, topics: Sequence[str]
) -> tuple[str, bool, dict[str, str]]:
    """Why what is known may not be used ("" when it may), whether the person may be profiled, and
    for topics that must not be proposed here, why: `sell:<topic>` and `serve:<topic>`.
    """
    if person is consent.NOBODY_SAID_ANYTHING:
        kept = _nobody.get((channel, tuple(topics)))
        if kept is not None:
            return kept
    known = consent.decide(person, purpose="personalise", categories=("bought", "told_us"))
    profiled = consent.decide(person, purpose="profile", categories=("bought",)).allowed
    refused: dict[str, str] = {}
    for topic in topics:
        for key, purpose in (("sell", "marketing"), ("serve", "service")):
            said = consent.decide(
                person, purpose=purpose, categories=("bought",), channel=channel, topic=topic
            )
            if said.verdict == "deny" or (channel not in INBOUND and not said.allowed):
                refused[f"{key}:{topic}"] = said.reasons[-1]
    why = "" if known.allowed else known.reasons[-1]
    if person is consent.NOBODY_SAID_ANYTHING:
        if len(_nobody) > 1_000:
            _nobody.clear()
        _nobody[channel, tuple(topics)] = (why, profiled, refused)
    return why, profiled, refused


def why_muted(word: str) -> str:
    """The sentence for a word of `cases.selling_muted`."""
    if word == "complaint_open":
        return _("a complaint of the customer is open")
    if word == "detractor_open":
        return _("a bad experience of the customer is being looked into")
    return _("a case of the customer is open") if word else ""


_nobody: dict[tuple[str, tuple[str, ...]], tuple[str, bool, dict[str, str]]] = {}


def _key(request: Request) -> tuple[str | None, str | None]:
    if request.identifier is None:
        return None, None
    return request.identifier[0], normalise(*request.identifier)


def _person(conn: Connection, customer: int, row: Row) -> consent.PersonConsent:
    """The choices as consent folds them; when several identifiers spoke, consent reads them."""
    if row[8] is None and row[9] is None:
        return consent.NOBODY_SAID_ANYTHING
    uses, contacts = _decoded(row[8], _GRANTS), _decoded(row[9], _GRANTS)
    if len({grant[1] for grant in uses + contacts}) > 1:
        read = consent.read(conn, [customer])
        return read.get(customer, consent.NOBODY_SAID_ANYTHING)
    return consent.person_of([_row(grant) for grant in uses], [_row(grant) for grant in contacts])


def _row(grant: tuple[int, int, str, str, str, int, str]) -> consent.Row:
    id, subject, first, second, state, at, basis = grant
    return consent.Row(id, subject, (first, second), state, _instant(at), basis)


def _instant(at: int) -> datetime:
    return clock.from_micros(at)


def _number(text: bytes | None) -> int:
    return int(text or 0)


def _decoded(text: bytes | None, decoder: msgspec.json.Decoder[Any]) -> Any:
    return () if text is None else decoder.decode(text)


_INTS = msgspec.json.Decoder(tuple[int, ...])
_TRAITS = msgspec.json.Decoder(dict[str, Any])
_OUTCOMES = msgspec.json.Decoder(tuple[tuple[int, int, int], ...])
_GRANTS = msgspec.json.Decoder(tuple[tuple[int, int, str, str, str, int, str], ...])

_FACTS = Statement(
    "decision_facts",
    """
SELECT (SELECT coalesce(max(id), 0) FROM offer_books),
       (SELECT coalesce(max(version), 0) FROM decision_policies),
       (SELECT coalesce(max(version), 0) FROM decision_models),
       a.n, i.customer_id, c.stage,
       (SELECT json_agg(m.segment_id ORDER BY m.segment_id) FROM segment_members m
         WHERE m.customer_id = i.customer_id AND m.segment_id = ANY(%(segments)s::int[]))::text,
       (SELECT json_object_agg(t.name, c.traits -> t.name -> 'v')
          FROM unnest(%(traits)s::text[]) t(name) WHERE c.traits ? t.name)::text,
       (SELECT json_agg(json_build_array(g.id, g.subject_id, g.purpose, g.category, g.state,
                        (extract(epoch FROM g.at) * 1000000)::bigint, g.basis))
          FROM use_grants g WHERE g.subject_id = ANY(s.ids))::text,
       (SELECT json_agg(json_build_array(g.id, g.subject_id, g.channel, g.topic, g.state,
                        (extract(epoch FROM g.at) * 1000000)::bigint, ''))
          FROM contact_grants g WHERE g.subject_id = ANY(s.ids))::text,
       (SELECT json_agg(json_build_array(o.offer_id, o.outcome,
                        (extract(epoch FROM o.at) * 1000000)::bigint) ORDER BY o.at, o.id)
          FROM offer_outcomes o
         WHERE o.subject_id = ANY(s.ids) AND o.at > %(since)s::timestamptz - interval '730 days'
       )::text
FROM unnest(%(ids)s::bigint[], %(namespaces)s::text[], %(values)s::text[])
     WITH ORDINALITY a(id, namespace, value, n)
LEFT JOIN LATERAL (  -- for each by index: the planner would rather hash the whole table
  SELECT x.customer_id FROM identifiers x WHERE x.id = coalesce(a.id, (
    SELECT k.id FROM identifiers k WHERE k.namespace = a.namespace AND k.value = a.value))
  LIMIT 1
) i ON true
LEFT JOIN customers c ON c.id = i.customer_id
LEFT JOIN LATERAL (
  SELECT array_agg(x.id) AS ids FROM identifiers x WHERE x.customer_id = i.customer_id
) s ON true
""",
)
