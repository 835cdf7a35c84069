"""The seam between the outbox and a channel: what one folder in `channels/` has to bring.

A folder is a channel when it has a module `channel.py` with `CHANNELS`, a tuple of `Channel`; the
registry finds it, nothing else has to be told. The outbox does everything that is the same for
all: consent, suppression, caps, quiet hours, claims, retries, outcomes, news. A channel does two
things:

**render** `(conn, deliveries, now) -> iterable of Rendered or Unfit`, one for each delivery in any
order. It runs after all checks, in the transaction that hands over, and may read (templates,
traits, whether this person may be measured); it must not write or commit. `Unfit` says that this
delivery can never be made into a message (a broken template); it ends as `dropped`. An exception
makes the whole chunk wait and be tried again.

**batch** `(messages, now) -> iterable of Sent`, one for each message, each as soon as its fate is
known. No database. It must bound its own waiting: while it runs, a withdrawal by one of these
customers waits for it. Without a `batch`, **send** `(message, now) -> Sent` is called for one after
the other; it is also what a trial message to oneself uses.

What to answer (`Sent.word`):

- `handed`: the other side took the message over (SMTP: 250 after the data).
- `confirmed`: it is known to have arrived.
- `temporary`: surely not taken over, may be later (refused connection, 4xx before the data). Tried
  again with growing pauses, whatever its kind.
- `refused`: surely not taken over, never will be (5xx for this address). Ends as `bounced`; when
  the address itself is dead, say so with `dead_address=True`, and it is suppressed.
- `uncertain`: it may or may not have been taken over (the line broke after the data). Marketing and
  surveys then end as `uncertain` and are never sent again; service is sent again with the same
  `message_id`.

A message that is not reported, because `batch` ended early or raised, counts as `uncertain`; when
it raised `core.errors.Unavailable`, the rest counts as `temporary`.

A **pulled** channel (till, agent's screen) has neither: its deliveries wait until somebody asks for
them, with the customer there. Then quiet hours and the minimum gap do not hold, for the customer
chose the moment; caps do.

`Delivery.message_id` is stable and unguessable (`<id>.<token>`): the left side of a Message-ID, a
webhook-id, an idempotency key. `api.delivery_of_message(conn, message_id)` finds the delivery.
Later news (a bounce, a complaint) comes by `api.outcome` and `api.suppress`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from msgspec import Struct

from touchloop.consent.api import PersonConsent
from touchloop.core.db import Connection

Kind = Literal["marketing", "service", "survey"]
KINDS: Final = ("marketing", "service", "survey")
SentWord = Literal["handed", "confirmed", "temporary", "refused", "uncertain"]


class Delivery(Struct, frozen=True):
    """One message to one customer, as a channel sees it."""

    id: int
    subject_id: int
    customer_id: int
    kind: str
    topic: str
    channel: str
    address: str
    template: str
    template_version: int
    data: Mapping[str, Any]
    message_id: str
    offer: str = ""
    decision_id: UUID | None = None
    campaign_id: int | None = None
    trigger_id: int | None = None
    attempts: int = 1
    # As read for this hand-off, under its lock: for the purpose of its kind, and for measuring.
    consent: PersonConsent | None = None


class Rendered(Struct, frozen=True):
    """A delivery made into a message; `content` is the channel's own."""

    delivery: Delivery
    content: Any


class Unfit(Struct, frozen=True):
    """A delivery of which no message can be made; `reason` is a word, `detail` for people."""

    delivery_id: int
    reason: str
    detail: str = ""


class Sent(Struct, frozen=True):
    """What became of one message; `reason` may quote the other side, shortened."""

    delivery_id: int
    word: SentWord
    reason: str = ""
    dead_address: bool = False


Render = Callable[[Connection, Sequence[Delivery], datetime], Iterable[Rendered | Unfit]]
Send = Callable[[Rendered, datetime], Sent]
Batch = Callable[[Sequence[Rendered], datetime], Iterable[Sent]]
# The current version of each template that exists, by its slug.
Versions = Callable[[Connection, Sequence[str]], Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Channel:
    """A way to reach a customer. See the top of this module."""

    name: str  # the word that consent uses: email, store, call_centre …
    label: str  # for people, already translatable
    address_namespace: str | None = None  # identifiers in it are addresses; None: needs none
    render: Render | None = None
    send: Send | None = None
    batch: Batch | None = None
    versions: Versions | None = None  # None: this channel has no templates
    pulled: bool = False
    at_once: int = 500  # deliveries that are handed over in one transaction
    properties: Mapping[str, Any] = field(default_factory=dict)
