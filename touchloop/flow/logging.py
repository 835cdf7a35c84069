"""Step `log`: each message becomes one immutable row, with its kind, its place and its products."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import Any

from touchloop.flow.batch import Batch, Message, Work
from touchloop.interactions.api import IN, OUT, Line, Row, append, append_lines, first_id
from touchloop.profiles.api import remember_places

# What the company does; everything else is done by the customer.
OUTBOUND = frozenset(
    {
        "Campaign Delivered",
        "Email Sent",
        "Email Delivered",
        "SMS Sent",
        "Push Sent",
        "Message Sent",
        "Message Handed",
        "Message Confirmed",
        "Message Uncertain",
        "Message Deferred",
        "Message Dropped",
        "Message Suppressed",
        "Message Delivered",
        "Offer Shown",
        "Survey Sent",
        "Survey Invited",
        "Call Made",
    }
)
PRODUCTS_OF_AN_ORDER = 1_000
SAMPLES = 25

Name = tuple[str, str]  # of a kind: type, name; of a place: channel, location


def append_to_log(batch: Batch, work: Work) -> Batch:
    """Write the rows of the batch and the products of its orders."""
    messages = batch.messages
    kinds = [(message.envelope.type, message.envelope.name) for message in messages]
    places = [place_of(message) for message in messages]
    _meet(messages, kinds, places, work)
    start, kind_ids, place_ids = (
        first_id(work.batch_id),
        work.catalogue.kinds,
        work.catalogue.places,
    )
    for number, (message, kind, place) in enumerate(zip(messages, kinds, places, strict=True)):
        row = _row(message, start + number, kind_ids[kind], place_ids[place])
        batch.rows.append(row)
        if "products" in message.envelope.properties:
            lines = _lines(message.envelope.properties["products"])
            if lines:
                batch.lines.append((row, lines))
    for source_id, n in Counter(message.source.id for message in messages).items():
        batch.counts[source_id, "stored"] += n
    append(work.conn, batch.rows)
    append_lines(work.conn, batch.lines)
    batch.visits = _visits(batch.rows, places) - work.visits
    remember_places(work.conn, batch.visits)
    batch.note("log", rows=len(batch.rows), lines=sum(len(lines) for _, lines in batch.lines))
    return batch


def kinds_of(batch: Batch) -> Counter[int]:
    """How many interactions of each kind the batch wrote."""
    return Counter(row.kind_id for row in batch.rows)


def _meet(messages: list[Message], kinds: list[Name], places: list[Name], work: Work) -> None:
    """Make numbers for names that were never seen, and learn the properties of events."""
    catalogue = work.catalogue
    catalogue.kind_ids(work.side, set(kinds), work.now)
    stages = {
        place: stage_of(message)
        for message, place in zip(messages, places, strict=True)
        if place not in catalogue.places
    }
    catalogue.place_ids(work.side, stages, work.now)
    left = dict.fromkeys(kinds, SAMPLES)
    examples = []
    for message, kind in zip(messages, kinds, strict=True):
        if left[kind]:
            left[kind] -= 1
            given = message.envelope.properties or message.traits
            examples.append((catalogue.kinds[kind], given))
    catalogue.learn(work.side, examples, work.now)


def _visits(rows: list[Row], places: list[Name]) -> set[tuple[int, int]]:
    return {
        (row.touchpoint_id, row.subject_id)
        for row, (_, location) in zip(rows, places, strict=True)
        if location and row.touchpoint_id
    }


def _row(message: Message, id: int, kind_id: int, touchpoint_id: int) -> Row:
    envelope = message.envelope
    return Row(  # by position: this runs for every interaction
        id,
        message.subject_id,
        message.source.id,
        kind_id,
        touchpoint_id,
        envelope.occurred_us,
        envelope.received_us,
        OUT if envelope.name in OUTBOUND else IN,
        value_of(envelope.properties),
        message.key,
        envelope.payload_hash,
        message.uses,
        envelope.body,
    )


def place_of(message: Message) -> Name:
    """The touchpoint that `context.touchpoint` names; else the source's channel alone."""
    said = message.envelope.touchpoint
    if said is None:
        return _tidy(message.source.channel, "")
    return _tidy(said.channel or message.source.channel, said.location or "")


@lru_cache(maxsize=10_000)
def _tidy(channel: str, location: str) -> Name:
    return channel[:40].replace("\0", ""), location[:200].replace("\0", "")


def stage_of(message: Message) -> str:
    said = message.envelope.touchpoint
    return (said.stage or "")[:40] if said is not None else ""


def value_of(properties: dict[str, Any]) -> float | None:
    """What the interaction is worth: the first of revenue, total and value that is a number."""
    for name in ("revenue", "total", "value"):
        given = properties.get(name)
        amount = None if given is None else number(given)
        if amount is not None:
            return amount
    return None


def number(value: Any) -> float | None:
    """A finite number, also when a client wrote it as text."""
    kind = type(value)
    if kind is float or kind is int:
        return float(value) if -1e15 < value < 1e15 else None
    if kind is not str:
        return None
    try:
        amount = float(value)
    except ValueError:
        return None
    return amount if -1e15 < amount < 1e15 else None


def _lines(products: Any) -> list[Line]:
    if not isinstance(products, list):
        return []
    return [_line(each) for each in products[:PRODUCTS_OF_AN_ORDER] if isinstance(each, dict)]


def _line(product: dict[str, Any]) -> Line:
    get = product.get
    quantity, price = number(get("quantity")), number(get("price"))
    amount = number(get("amount"))
    if amount is None:
        amount = number(get("total"))
    if amount is None and price is not None:
        amount = price * (1.0 if quantity is None else quantity)
    return Line(
        _text(get("product_id", get("sku"))),
        _text(get("name")),
        _text(get("department")),
        _text(get("category")),
        _text(get("brand")),
        quantity,
        price,
        amount,
    )


def _text(value: Any) -> str:
    if type(value) is str:
        return value if len(value) <= 300 else value[:300]
    return "" if value is None else str(value)[:300]
