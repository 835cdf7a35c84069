"""Hand-off: what is due is claimed, checked once more, handed to its channel, and written down.

Guarantees.

- **Nothing after a withdrawal.** A chunk is checked, sent and written in one transaction that holds
  a lock for each of its customers; a withdrawal takes the same lock before it commits. So it either
  waits until the chunk is out, or the check sees it.
  What goes straight out is checked when it is asked for, under the same locks held over the commit
  of its claim (`straight`).
- **Caps hold** also when several workers hand over to one customer: the same lock keeps them apart.
- **Marketing at most once.** The claim is committed before anything is sent. Who dies in between
  leaves a claim behind, which ends as `uncertain`. **Service at least once**: it is sent again,
  under the same message id, so that the other side can drop the second.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from time import perf_counter
from typing import Final, Literal

import psycopg

from touchloop.channels import outbox, rows
from touchloop.channels.outbox import Claimed
from touchloop.channels.permission import MEASURE, permission, purposes
from touchloop.channels.policy import Contact
from touchloop.channels.registry import channel as channel_named
from touchloop.channels.registry import channels
from touchloop.channels.requesting import STATE_OF
from touchloop.channels.rows import BOUNCED, CONFIRMED, DROPPED, HANDED, Change
from touchloop.channels.rules import contact_policy
from touchloop.channels.seam import Channel, Delivery, Rendered, Sent, Unfit
from touchloop.channels.situation import situations
from touchloop.channels.straight import Straight
from touchloop.channels.suppressing import suppress
from touchloop.core import arrays
from touchloop.core.db import Connection
from touchloop.core.errors import Unavailable
from touchloop.identity.api import customers_of

# What is owed to the customer goes first, then the question that has a short memory.
ORDER: Final = ("service", "survey", "marketing")

FIRST_STRIDE: Final = 64
LONGEST_CHUNK: Final = 1.0  # seconds, aimed at
_strides: dict[str, int] = {}  # what each channel of this process takes at once

log = logging.getLogger("touchloop.channels")


def deliver_once(conn: Connection, now: datetime, limit: int) -> int:
    """One round of everything that is due here; commits itself. Returns how many rows it moved."""
    moved = outbox.settle_lost(conn, now=now)
    moved += outbox.expire(conn, now=now)
    conn.commit()
    return moved + hand_off(conn, now, limit)


def hand_off(conn: Connection, now: datetime, limit: int) -> int:
    """Hand over up to `limit` due deliveries, in chunks that commit by themselves.

    Returns how many were taken, whatever became of them. A caller's open transaction is committed
    with the first claim, so call it with none. An error of the database is raised; what was
    claimed by then is settled by `deliver_once` after a minute.
    """
    left = limit
    for kind in ORDER:
        for channel in outbox.pushed(channels().values()):
            while left > 0:
                most = min(left, _stride(channel))
                claimed = outbox.claim(conn, channel.name, kind, now=now, limit=most)
                conn.commit()
                if claimed:
                    began = perf_counter()
                    _hand(conn, channel, claimed, now)
                    _adapt(channel, len(claimed), perf_counter() - began)
                    left -= len(claimed)
                if len(claimed) < most:
                    break
    return limit - left


def chunk(names: Iterable[str]) -> int:
    """How many messages one chunk may have that goes out on these channels."""
    wanted = [channel_named(name) for name in names]
    return min(one.at_once if one.pulled else _stride(one) for one in wanted)


def _stride(channel: Channel) -> int:
    return min(channel.at_once, _strides.get(channel.name, FIRST_STRIDE))


def _adapt(channel: Channel, n: int, seconds: float) -> None:
    """Withdrawals wait for a chunk that is under way: a slow mail server gets smaller ones."""
    stride = _stride(channel)
    if seconds > LONGEST_CHUNK:
        _strides[channel.name] = max(1, stride // 2)
    elif n == stride and seconds < LONGEST_CHUNK / 2:
        _strides[channel.name] = min(channel.at_once, stride * 2)


def _hand(conn: Connection, channel: Channel, claimed: Sequence[Claimed], now: datetime) -> None:
    """One chunk: check, send, write; one transaction."""
    try:
        found = _locked(conn, claimed)
    except psycopg.errors.DeadlockDetected:  # with a withdrawal of many; nothing has been sent
        conn.rollback()
        _put_back(conn, claimed)
        return
    going, held = _judged(conn, channel, found, now)
    _deliver(conn, channel, going, held, now)


def hand_straight(conn: Connection, straight: Straight, now: datetime) -> None:
    """Hand over what was claimed as it was asked for; commits itself. See `straight`."""
    by_channel: dict[str, list[Delivery]] = defaultdict(list)
    for one in straight.claimed:
        by_channel[one.channel].append(one)
    for name, claimed in by_channel.items():
        still = dict(outbox.still_claimed(conn, [one.id for one in claimed]))
        ours = [one for one in claimed if one.id in still]
        expired = [one for one in ours if still[one.id] <= now]
        going = [one for one in ours if still[one.id] > now]
        channel = channel_named(name)
        _deliver(conn, channel, going, [Change(one, DROPPED, "expired") for one in expired], now)
        _adapt(channel, len(claimed), perf_counter() - straight.since)


def _deliver(
    conn: Connection,
    channel: Channel,
    going: Sequence[Delivery],
    held: Sequence[Change],
    now: datetime,
) -> None:
    """Send those that may go, and write what became of them and of those that may not."""
    try:
        fit, unfit = _rendered(conn, channel, going, now)
    except (psycopg.OperationalError, psycopg.InterfaceError):
        raise
    except Exception as error:
        log.exception("%s could not be rendered", channel.name)
        fit = []
        unfit = [outbox.again(one, "not_rendered", type(error).__name__, now) for one in going]
    changes = [*held, *unfit, *_sent(conn, channel, fit, now)]
    outbox.write(conn, changes, now=now)
    conn.commit()


def _locked(conn: Connection, claimed: Sequence[Claimed]) -> list[tuple[Delivery, datetime | None]]:
    """Take the locks of the customers first: who holds them may be writing these very rows."""
    outbox.hold(conn, customers_of(conn, [one.subject_id for one in claimed]).values())
    return outbox.taken(conn, claimed)


def _judged(
    conn: Connection,
    channel: Channel,
    found: Sequence[tuple[Delivery, datetime | None]],
    now: datetime,
) -> tuple[list[Delivery], list[Change]]:
    """Everything that could stand against a message, asked again; who may go, and the others."""
    if not found:
        return [], []
    policy = contact_policy(conn)
    there = situations(
        conn,
        [one.customer_id for one, _ in found],
        namespaces=[channel.address_namespace] if channel.address_namespace else [],
        policy=policy,
        now=now,
        purposes=purposes({one.kind for one, _ in found}, came=channel.pulled) | {MEASURE},
    )
    going: list[Delivery] = []
    held: list[Change] = []
    several = Counter(one.customer_id for one, _ in found)
    for one, expires_at in found:
        situation = there[one.customer_id]
        said = permission(
            situation,
            channel,
            kind=one.kind,
            topic=one.topic,
            policy=policy,
            now=now,
            expires_at=expires_at,
            address=one.address,
        )
        if said.word != "send":
            moment = said.at if said.word == "defer" else None
            held.append(Change(one, STATE_OF[said.word], said.reason, "", moment))
            continue
        going.append(rows.going(one, said.address, situation.consent))
        if several[one.customer_id] > 1:
            there[one.customer_id] = situation.reached(Contact(one.kind, now))
    return going, held


def _rendered(
    conn: Connection, channel: Channel, going: Sequence[Delivery], now: datetime
) -> tuple[list[Rendered], list[Change]]:
    if channel.render is None or not going:
        return [Rendered(one, None) for one in going], []
    fit: list[Rendered] = []
    unfit: list[Change] = []
    of = {one.id: one for one in going}
    with conn.transaction():  # an error of the channel's own reading must not undo the claims
        for made in channel.render(conn, going, now):
            if isinstance(made, Unfit):
                unfit.append(Change(of.pop(made.delivery_id), DROPPED, made.reason, made.detail))
            else:
                of.pop(made.delivery.id)
                fit.append(made)
    unfit += [outbox.again(one, "not_rendered", "", now) for one in of.values()]
    return fit, unfit


def _sent(
    conn: Connection, channel: Channel, fit: Sequence[Rendered], now: datetime
) -> list[Change]:
    of = {one.delivery.id: one.delivery for one in fit}
    changes: list[Change] = []
    rest: Literal["temporary", "uncertain"] = "uncertain"
    try:
        for said in _said(channel, fit, now):
            if (one := of.pop(said.delivery_id, None)) is not None:
                changes.append(_change(one, said, now))
                if said.dead_address:
                    suppress(
                        conn,
                        subject_id=one.subject_id,
                        channel=channel.name,
                        address=one.address,
                        reason="bounced",
                        at=now,
                    )
    except Unavailable as error:
        log.warning("%s is away: %s", channel.name, error)
        rest = "temporary"
    except Exception:
        log.exception("%s failed while it was sending", channel.name)
    return changes + [_change(one, Sent(one.id, rest, "no_answer"), now) for one in of.values()]


def _said(channel: Channel, fit: Sequence[Rendered], now: datetime) -> Iterable[Sent]:
    if not fit:
        return []
    if channel.batch is not None:
        return channel.batch(fit, now)
    return _one_by_one(channel, fit, now)


def _one_by_one(channel: Channel, fit: Sequence[Rendered], now: datetime) -> Iterator[Sent]:
    if channel.send is None:
        raise Unavailable(f"{channel.name} cannot send")
    for message in fit:
        yield channel.send(message, now)


def _change(one: Delivery, said: Sent, now: datetime) -> Change:
    reason, _, detail = _readable(said.reason).partition("\n")
    if said.word == "handed":
        return Change(one, HANDED, reason, detail)
    if said.word == "confirmed":
        return Change(one, CONFIRMED, reason, detail)
    if said.word == "refused":
        return Change(one, BOUNCED, reason or "refused", detail)
    if said.word == "temporary":
        return outbox.again(one, reason or "temporary", detail, now)
    return outbox.lost_in(one, reason or "uncertain", detail, now)


def _readable(text: str) -> str:
    """What another server said may hold anything; after the sending nothing must fail over it."""
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode()
    return text.replace("\0", "")


def _put_back(conn: Connection, claimed: Sequence[Claimed]) -> None:
    conn.execute(
        "UPDATE deliveries d SET state = 'queued'"
        "  FROM unnest(%s::bigint[], %s::int[]) AS n(id, attempts)"
        " WHERE d.id = n.id AND d.attempts = n.attempts AND d.state = 'claimed'",
        (
            arrays.numbers(one.id for one in claimed),
            arrays.numbers(one.attempts for one in claimed),
        ),
    )
    conn.commit()
