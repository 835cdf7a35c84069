"""The webhook as a channel: the message goes to a program, which reaches the customer its own way.

The template of a delivery is the short name of an endpoint.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import datetime
from typing import Final, NamedTuple

from django.utils.translation import gettext_noop

from touchloop.channels.seam import Channel, Delivery, Rendered, Sent, Unfit
from touchloop.channels.webhook.endpoints import addresses
from touchloop.channels.webhook.guard import NOWHERE, Place
from touchloop.channels.webhook.posting import post
from touchloop.core.db import Connection

AT_ONCE: Final = 16  # one connection each, so a chunk takes no longer than one post


class Hook(NamedTuple):
    """A message ready to be posted."""

    url: str
    secrets: tuple[str, ...]
    body: str


def webhook(*, allow: frozenset[Place] = NOWHERE) -> Channel:
    """The channel; `allow` names places beyond the public Internet, for tests."""
    send = _sender(allow)

    def batch(messages: Sequence[Rendered], now: datetime) -> Iterator[Sent]:
        with ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="webhook") as pool:
            for done in as_completed([pool.submit(send, one, now) for one in messages]):
                yield done.result()

    return Channel(
        name="webhook",
        label=gettext_noop("Webhook"),
        render=render,
        send=send,
        batch=batch,
        versions=versions,
        at_once=AT_ONCE,
    )


def versions(conn: Connection, slugs: Sequence[str]) -> Mapping[str, int]:
    """An endpoint has one version: its own."""
    return dict.fromkeys(addresses(conn, slugs), 1)


def render(
    conn: Connection, deliveries: Sequence[Delivery], now: datetime
) -> Iterable[Rendered | Unfit]:
    """The signed body of each delivery; its endpoint may have gone since it was asked for."""
    known = addresses(conn, sorted({one.template for one in deliveries}))
    for one in deliveries:
        if one.template not in known:
            yield Unfit(one.id, "no_endpoint", one.template)
            continue
        url, keys = known[one.template]
        yield Rendered(one, Hook(url, keys, _body(one, now)))


def _sender(allow: frozenset[Place]) -> Callable[[Rendered, datetime], Sent]:
    def send(message: Rendered, now: datetime) -> Sent:
        hook: Hook = message.content
        one = message.delivery
        said = post(
            hook.url,
            hook.body,
            message_id=one.message_id,
            secrets=hook.secrets,
            now=now,
            allow=allow,
        )
        return Sent(one.id, said.word, said.reason)

    return send


def _body(one: Delivery, now: datetime) -> str:
    data = {
        "delivery": one.id,
        "customer": one.customer_id,
        "kind": one.kind,
        "topic": one.topic,
        "offer": one.offer,
        "decision_id": str(one.decision_id) if one.decision_id else None,
        "data": dict(one.data),
    }
    return json.dumps({"type": "message", "timestamp": now.isoformat(), "data": data})


CHANNELS = (webhook(),)
