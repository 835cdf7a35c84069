"""Requests: who is to be told what, judged and written into the outbox with what caused it.

Everything happens in the transaction of the caller, so a message is wanted exactly when what it
speaks of has happened. A cause counts once: asked again, it gives the first result. What is not
permitted is stored as well, with its reason, because staff will ask why nothing was sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

from django.utils.translation import gettext as _
from msgspec import Struct
from msgspec.structs import replace

from touchloop.channels import rows
from touchloop.channels.permission import MEASURE, Permission, permission, purposes
from touchloop.channels.policy import Policy
from touchloop.channels.registry import channel as channel_named
from touchloop.channels.rows import CLAIMED, DEFERRED, DROPPED, QUEUED, SUPPRESSED, Change
from touchloop.channels.rules import contact_policy
from touchloop.channels.seam import KINDS, Channel, Delivery
from touchloop.channels.situation import Situation, situations
from touchloop.channels.straight import Straight
from touchloop.consent.api import PersonConsent
from touchloop.core import arrays
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid
from touchloop.identity.api import customers_of

ENDED = (DROPPED, SUPPRESSED)
STATE_OF = {"send": QUEUED, "defer": DEFERRED, "drop": DROPPED, "suppress": SUPPRESSED}


class Wanted(Struct, frozen=True):
    """A message that is wanted. The first of `channels` that is permitted carries it."""

    subject_id: int
    kind: str
    topic: str
    template: str
    cause: str
    channels: tuple[str, ...]
    data: Mapping[str, Any] = {}
    not_before: datetime | None = None
    expires_at: datetime | None = None
    offer: str = ""
    decision_id: UUID | None = None
    campaign_id: int | None = None
    trigger_id: int | None = None


class Requested(Struct, frozen=True, gc=False):
    """What became of a request: the state that is stored, and from when on it may be handed over.

    `delivery_id` is None only when the subject is nobody's.
    """

    delivery_id: int | None
    state: str
    reason: str
    not_before: datetime | None
    channel: str


class _Chosen(Struct, frozen=True):
    wanted: Wanted
    customer_id: int
    channel: Channel
    permission: Permission
    expires_at: datetime
    version: int
    state: str
    consent: PersonConsent


def request(
    conn: Connection, wanted: Sequence[Wanted], *, now: datetime, straight: Straight | None = None
) -> list[Requested]:
    """Judge and store requests, in the caller's transaction; one result for each, in order.

    With `straight`, what may go now is claimed for the caller, who hands it over. Raises Invalid
    for an unknown kind or channel.
    """
    channels = _channels(wanted)
    first: dict[str, Wanted] = {}
    for one in wanted:
        first.setdefault(one.cause, one)
    results = _known(conn, first)
    fresh = [one for cause, one in first.items() if cause not in results]
    customers = customers_of(conn, sorted({one.subject_id for one in fresh}))
    nobody = [one for one in fresh if one.subject_id not in customers]
    results |= {one.cause: Requested(None, DROPPED, "nobody", None, "") for one in nobody}
    known = [one for one in fresh if one.subject_id in customers]
    if known:
        policy = contact_policy(conn)
        asked = purposes(
            {one.kind for one in known}, came=any(one.pulled for one in channels.values())
        )
        if straight is not None:
            straight.hold(customers.values())
            asked.add(MEASURE)
        found = situations(
            conn,
            customers.values(),
            namespaces=_namespaces(channels.values()),
            policy=policy,
            now=now,
            purposes=asked,
        )
        versions = _versions(conn, known, channels)
        chosen = [
            _choose(one, customers[one.subject_id], found, channels, versions, policy, now)
            for one in known
        ]
        if straight is not None:
            chosen = _claimed(chosen, now)
        results |= _store(conn, chosen, now, straight)
    return [results[one.cause] for one in wanted]


def _channels(wanted: Sequence[Wanted]) -> dict[str, Channel]:
    for one in wanted:
        if one.kind not in KINDS:
            raise Invalid("kind", _("one of %s is expected") % ", ".join(KINDS))
        if not one.channels:
            raise Invalid("channels", _("name at least one channel"))
        if not one.cause:
            raise Invalid("cause", _("say what causes the message"))
    names = {name for one in wanted for name in one.channels}
    return {name: channel_named(name) for name in names}


def _namespaces(channels: Iterable[Channel]) -> set[str]:
    return {one.address_namespace for one in channels if one.address_namespace}


def _versions(
    conn: Connection, wanted: Sequence[Wanted], channels: Mapping[str, Channel]
) -> dict[str, Mapping[str, int]]:
    """The current template versions by channel, for channels that have templates."""
    return {
        name: channel.versions(conn, sorted({w.template for w in wanted if name in w.channels}))
        for name, channel in channels.items()
        if channel.versions is not None
    }


def _choose(
    one: Wanted,
    customer: int,
    found: Mapping[int, Situation],
    channels: Mapping[str, Channel],
    versions: Mapping[str, Mapping[str, int]],
    policy: Policy,
    now: datetime,
) -> _Chosen:
    """The first channel that is permitted, now or later; else the first, with its reason."""
    refused: _Chosen | None = None
    begin = max(now, one.not_before or now)
    for name in one.channels:
        channel = channels[name]
        expires = one.expires_at or begin + timedelta(hours=_kept(policy, one.kind, channel))
        version = versions[name].get(one.template, 0) if name in versions else 0
        allowed = (
            Permission("drop", "no_template", begin, "")
            if name in versions and not version
            else permission(
                found[customer],
                channel,
                kind=one.kind,
                topic=one.topic,
                policy=policy,
                now=begin,
                expires_at=expires,
            )
        )
        chosen = _Chosen(
            one, customer, channel, allowed, expires, version, STATE_OF[allowed.word],
            found[customer].consent,
        )  # fmt: skip
        if allowed.word in ("send", "defer"):
            return chosen
        refused = refused or chosen
    assert refused is not None
    return refused


def _claimed(chosen: Sequence[_Chosen], now: datetime) -> list[_Chosen]:
    """What may go now is claimed; of several messages to a customer the first: the others are
    judged again when that one has reached it."""
    going: set[int] = set()
    found = []
    for one in chosen:
        if (
            one.state == QUEUED
            and one.permission.at <= now
            and not one.channel.pulled
            and one.customer_id not in going
        ):
            going.add(one.customer_id)
            one = replace(one, state=CLAIMED)
        found.append(one)
    return found


def _kept(policy: Policy, kind: str, channel: Channel) -> int:
    return policy.keep_hours["prompt" if channel.pulled else kind]


def _known(conn: Connection, causes: Iterable[str]) -> dict[str, Requested]:
    found = conn.execute(_KNOWN, (arrays.texts(causes),)).fetchall()
    return {cause: Requested(*rest) for cause, *rest in found}


def _store(
    conn: Connection, chosen: Sequence[_Chosen], now: datetime, straight: Straight | None
) -> dict[str, Requested]:
    """Insert; a cause that another transaction wrote meanwhile gives that one's result."""
    ids = [row[0] for row in conn.execute(_IDS, (len(chosen),), binary=True).fetchall()]
    names = [rows.message_id(id, one.wanted.cause) for id, one in zip(ids, chosen, strict=True)]
    parameters = _parameters(ids, chosen, names, now)
    written: dict[int, str] = dict(conn.execute(_INSERT, parameters, binary=True).fetchall())
    results, changes, missed = {}, [], []
    for id, one, name in zip(ids, chosen, names, strict=True):
        if id not in written:
            missed.append(one.wanted.cause)
            continue
        state, reason = one.state, one.permission.reason
        moment = one.permission.at if state in rows.WAITING else None
        results[one.wanted.cause] = Requested(id, state, reason, moment, one.channel.name)
        if state in rows.EVENTS:
            told = _delivery(id, one, name, one.wanted.data)
            changes.append(Change(told, state, reason, "", moment))
        elif state == CLAIMED and straight is not None:
            straight.claimed.append(_delivery(id, one, name, rows.decoded(written[id])))
    rows.say(conn, rows.told(changes, now))
    return results | (_known(conn, missed) if missed else {})


def _parameters(
    ids: Sequence[int], chosen: Sequence[_Chosen], names: Sequence[str], now: datetime
) -> dict[str, Any]:
    of = [one.wanted for one in chosen]
    said = [one.permission for one in chosen]
    states = [one.state for one in chosen]
    written = {id(data): _json(data) for data in {id(one.data): one.data for one in of}.values()}
    return {
        "ids": arrays.numbers(ids),
        "subjects": arrays.numbers(one.subject_id for one in of),
        "kinds": arrays.texts(one.kind for one in of),
        "topics": arrays.texts(one.topic for one in of),
        "channels": arrays.texts(one.channel.name for one in chosen),
        "addresses": arrays.texts(one.address for one in said),
        "templates": arrays.texts(one.template for one in of),
        "versions": arrays.numbers(one.version for one in chosen),
        "data": arrays.texts(written[id(one.data)] for one in of),
        "causes": arrays.texts(one.cause for one in of),
        "states": arrays.texts(states),
        "reasons": arrays.texts(one.reason for one in said),
        "moments": arrays.instants(one.at for one in said),
        "ends": arrays.instants(one.expires_at for one in chosen),
        "offers": arrays.texts(one.offer for one in of),
        "decisions": arrays.uuids(one.decision_id for one in of),
        "campaigns": arrays.numbers(one.campaign_id for one in of),
        "triggers": arrays.numbers(one.trigger_id for one in of),
        "messages": arrays.texts(names),
        "outcomes": arrays.instants(now if state in ENDED else None for state in states),
        "claims": arrays.instants(now if state == CLAIMED else None for state in states),
        "attempts": arrays.numbers(int(state == CLAIMED) for state in states),
        "now": now,
    }  # fmt: skip


def _delivery(id: int, one: _Chosen, message_id: str, data: Mapping[str, Any]) -> Delivery:
    wanted = one.wanted
    return Delivery(
        id=id,
        subject_id=wanted.subject_id,
        customer_id=one.customer_id,
        kind=wanted.kind,
        topic=wanted.topic,
        channel=one.channel.name,
        address=one.permission.address,
        template=wanted.template,
        template_version=one.version,
        data=data,
        message_id=message_id,
        offer=wanted.offer,
        decision_id=wanted.decision_id,
        campaign_id=wanted.campaign_id,
        trigger_id=wanted.trigger_id,
        attempts=int(one.state == CLAIMED),
        consent=one.consent,
    )


def _json(data: Mapping[str, Any]) -> str:
    text = json.dumps(dict(data), ensure_ascii=False, default=str)
    text = text.encode("utf-8", "replace").decode()  # half of a character is none to PostgreSQL
    return text if "\\u0000" not in text else json.dumps(_without_nul(json.loads(text)))


def _without_nul(value: Any) -> Any:
    """PostgreSQL keeps no NUL in a text."""
    if isinstance(value, dict):
        return {_without_nul(key): _without_nul(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_without_nul(each) for each in value]
    return value.replace("\0", "") if isinstance(value, str) else value


_KNOWN: LiteralString = """
SELECT cause, id, state, reason, CASE WHEN state IN ('queued', 'deferred') THEN not_before END,
       channel
  FROM deliveries WHERE cause = ANY(%s::text[])
"""
_IDS: LiteralString = (
    "SELECT nextval((SELECT pg_get_serial_sequence('deliveries', 'id')::regclass))"
    " FROM generate_series(1, %s)"
)
_INSERT: LiteralString = """
INSERT INTO deliveries
  (id, subject_id, kind, topic, channel, address, template, template_version, data, cause, state,
   reason, not_before, expires_at, offer, decision_id, campaign_id, trigger_id, message_id,
   outcome_at, claimed_at, attempts, created_at)
SELECT n.*, %(now)s FROM unnest(
  %(ids)s::bigint[], %(subjects)s::bigint[], %(kinds)s::text[], %(topics)s::text[],
  %(channels)s::text[], %(addresses)s::text[], %(templates)s::text[], %(versions)s::int[],
  %(data)s::jsonb[], %(causes)s::text[], %(states)s::text[], %(reasons)s::text[],
  %(moments)s::timestamptz[], %(ends)s::timestamptz[], %(offers)s::text[],
  %(decisions)s::uuid[], %(campaigns)s::bigint[], %(triggers)s::bigint[], %(messages)s::text[],
  %(outcomes)s::timestamptz[], %(claims)s::timestamptz[], %(attempts)s::smallint[]) AS n
ON CONFLICT (cause) DO NOTHING
RETURNING id, CASE WHEN state = 'claimed' THEN data::text END
"""
