"""Whether customers could be reached, asked without sending anything: previews and decisions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from touchloop.channels.permission import permission, purposes
from touchloop.channels.registry import channel as channel_named
from touchloop.channels.rules import contact_policy
from touchloop.channels.situation import situations
from touchloop.core.db import Connection


class ContactVerdict(NamedTuple):
    """One customer on one channel: now, or from `next_at` on, or not at all (`next_at` is None)."""

    channel: str
    allowed: bool
    reason: str
    next_at: datetime | None
    address: str


def decide_contact(
    conn: Connection,
    customer_ids: Sequence[int],
    *,
    kind: str,
    topic: str,
    channels: Sequence[str],
    now: datetime,
) -> dict[int, list[ContactVerdict]]:
    """A verdict for each customer on each channel, in the order of the channels given.

    Set-based, changes nothing. What was asked for and waits in the outbox does not count yet: at
    hand-off everything is judged again. Raises Invalid for an unknown channel.
    """
    wanted = [channel_named(name) for name in channels]
    policy = contact_policy(conn)
    found = situations(
        conn,
        customer_ids,
        namespaces={one.address_namespace for one in wanted if one.address_namespace},
        policy=policy,
        now=now,
        purposes=purposes([kind], came=any(one.pulled for one in wanted)),
    )
    verdicts: dict[int, list[ContactVerdict]] = {}
    for customer, situation in found.items():
        verdicts[customer] = []
        for channel in wanted:
            said = permission(situation, channel, kind=kind, topic=topic, policy=policy, now=now)
            moment = said.at if said.word in ("send", "defer") else None
            verdicts[customer].append(
                ContactVerdict(channel.name, said.word == "send", said.reason, moment, said.address)
            )
    return verdicts
