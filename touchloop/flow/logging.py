"""Step `log`: each message becomes one immutable row, with its kind, its place and its products."""

from __future__ import annotations

from collections import Counter
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
        "Message Delivered",
        "Offer Shown",
        "Survey Sent",
        "Call Made",
    }
)
PRODUCTS_OF_AN_ORDER = 1_000
LIBRARY_CHANNELS = frozenset({"server", "browser", "mobile"})  # context.channel of client libraries
SAMPLES = 25


def append_to_log(batch: Batch, work: Work) -> Batch:
    """Write the rows of the batch and the products of its orders."""
    places = {id(message): _place(message) for message in batch.messages}
    _meet(batch, work, places)
    start = first_id(work.batch_id)
    for number, message in enumerate(batch.messages):
        row = _row(message, start + number, work, places[id(message)])
        batch.rows.append(row)
        if "products" in message.envelope.properties:
            lines = _lines(message.envelope.properties["products"])
            if lines:
                batch.lines.append((row, lines))
        batch.counts[message.source.id, "stored"] += 1
    append(work.conn, batch.rows)
    append_lines(work.conn, batch.lines)
    if batch.rows:
        remember_places(work.conn, batch.rows[0].id, batch.rows[-1].id)
    batch.note("log", rows=len(batch.rows), lines=sum(len(lines) for _, lines in batch.lines))
    return batch


def kinds_of(batch: Batch) -> Counter[int]:
    """How many interactions of each kind the batch wrote."""
    return Counter(row.kind_id for row in batch.rows)


def _meet(batch: Batch, work: Work, places: dict[int, tuple[str, str]]) -> None:
    """Make numbers for names that were never seen, and learn the properties of events."""
    catalogue = work.catalogue
    catalogue.kind_ids(work.side, {_kind(message) for message in batch.messages}, work.now)
    stages = {
        places[id(message)]: _stage(message)
        for message in batch.messages
        if places[id(message)] not in catalogue.places
    }
    catalogue.place_ids(work.side, stages, work.now)
    seen: Counter[int] = Counter()
    examples = []
    for message in batch.messages:
        kind_id = catalogue.kinds[_kind(message)]
        seen[kind_id] += 1
        if seen[kind_id] <= SAMPLES:
            given = message.envelope.properties or message.traits
            examples.append((kind_id, given))
    catalogue.learn(work.side, examples, work.now)


def _row(message: Message, id: int, work: Work, place: tuple[str, str]) -> Row:
    envelope = message.envelope
    return Row(
        id=id,
        subject_id=message.subject_id,
        source_id=message.source.id,
        kind_id=work.catalogue.kinds[_kind(message)],
        touchpoint_id=work.catalogue.places[place],
        occurred_us=envelope.occurred_us,
        received_us=envelope.received_us,
        direction=OUT if envelope.name in OUTBOUND else IN,
        value=value_of(envelope.properties),
        message_key=message.key,
        payload_hash=envelope.payload_hash,
        uses=message.uses,
        body=envelope.body.encode(),
    )


def _kind(message: Message) -> tuple[str, str]:
    return message.envelope.type, message.envelope.name


def _place(message: Message) -> tuple[str, str]:
    """The touchpoint that `context.touchpoint` names; else the source's channel alone."""
    envelope = message.envelope
    channel, location = message.source.channel, ""
    if envelope.context_json and b'"touchpoint"' in envelope.context_json:
        said = envelope.context.get("touchpoint")
        if isinstance(said, dict):
            channel = str(said.get("channel") or channel)
            location = str(said.get("location") or "")
    return channel[:40].replace("\0", ""), location[:200].replace("\0", "")


def _stage(message: Message) -> str:
    said = message.envelope.context.get("touchpoint")
    return str(said.get("stage") or "")[:40] if isinstance(said, dict) else ""


def value_of(properties: dict[str, Any]) -> float | None:
    """What the interaction is worth: the first of revenue, total and value that is a number."""
    for name in ("revenue", "total", "value"):
        amount = number(properties.get(name))
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
