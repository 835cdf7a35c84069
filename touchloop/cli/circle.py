"""One customer's way round the circle, out of the record: what each station knows, in its order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from touchloop.channels import api as channels
from touchloop.core.db import Connection
from touchloop.core.errors import NotFound
from touchloop.engage.decisions import api as decisions
from touchloop.engage.triggers import api as triggers
from touchloop.experience.signals import api as signals
from touchloop.experience.surveys import api as surveys
from touchloop.identity import api as identity
from touchloop.insight.segments import api as segments
from touchloop.interactions import api as interactions
from touchloop.profiles import api as profiles
from touchloop.profiles.api import Item
from touchloop.records.cases import api as cases

OF_A_STATION = 50
ORDER = "Order Completed"
AFTER = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that stands in the record: when, what, in which words, and its figures."""

    at: datetime
    what: str
    told: tuple[str, ...] = ()
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Circle:
    """A customer, and the entries of each station from the oldest to the newest.

    `before`: interactions that are older than those shown.
    """

    customer_id: int
    name: str
    identifiers: tuple[str, ...]
    stage: str
    facts: dict[str, Any]
    interactions: int
    orders: int
    spend: float
    before: int
    stations: dict[str, tuple[Entry, ...]]


def customer_named(conn: Connection, words: str) -> int:
    """The customer whom these words name: an identifier of any kind, a number, a name.

    Raises NotFound when nobody is meant, or not one alone.
    """
    found = profiles.find(conn, words, limit=6)
    exact = [one for one in found if words.strip().lower().lstrip("#") == one.value.lower()]
    if len({one.id for one in exact}) == 1:
        return exact[0].id
    if len(found) == 1:
        return found[0].id
    if not found:
        raise NotFound(f"nobody is known as “{words}”: give an e-mail, card, user id, or number")
    names = ", ".join(f"#{one.id} {one.display_name}".strip() for one in found[:5])
    raise NotFound(f"“{words}” may be several: {names}; say which by its number")


def circle(conn: Connection, customer_id: int, *, last: int) -> Circle:
    """The way of one customer; of its interactions the `last` ones. Raises NotFound."""
    customer = profiles.customer(conn, customer_id)
    subjects = identity.subjects_of(conn, [customer.id])[customer.id]
    items, before = _happened(conn, subjects, last)
    moved = [item for item in items if item.type == "system"]
    decided = _decided(conn, subjects)
    delivered = _delivered(conn, customer.id)
    measured = _measured(conn, customer.id)
    acted = _acted(conn, customer.id)
    stations = {
        "captured": tuple(_captured(item) for item in _of_customer(conn, items)),
        "understood": tuple(_understood(moved)),
        "engaged": tuple(_engaged(conn, customer.id)),
        "decided": tuple(decided),
        "delivered": tuple(delivered),
        "measured": tuple(measured),
        "acted": tuple(acted),
    }
    between = [*stations["understood"], *delivered, *measured, *acted]
    stations["changed"] = tuple(_changed(decided, between, delivered, items))
    return Circle(
        customer_id=customer.id,
        name=customer.display_name,
        identifiers=tuple(
            f"{one.namespace} {one.value}" for one in identity.identifiers(conn, customer.id)
        ),
        stage=customer.stage,
        facts={fact.name: fact.value for fact in customer.facts},
        interactions=customer.interactions,
        orders=customer.orders,
        spend=customer.spend,
        before=before,
        stations=stations,
    )


def _happened(conn: Connection, subjects: Sequence[int], last: int) -> tuple[list[Item], int]:
    """The newest interactions, oldest first, and how many there are besides."""
    found: list[Item] = []
    before = ""
    while len(found) < last:
        part = profiles.timeline(conn, subjects, before=before, limit=min(200, last - len(found)))
        found += part.items
        if part.before is None:
            break
        before = part.before
    row = conn.execute(
        "SELECT count(*) FROM interactions WHERE subject_id = ANY(%s)", (list(subjects),)
    ).fetchone()
    assert row is not None
    return found[::-1], int(row[0]) - len(found)


def _of_customer(conn: Connection, items: Iterable[Item]) -> list[Item]:
    """What others told us: Touchloop's own news stand at the other stations."""
    own = interactions.own_id(conn)
    return [item for item in items if item.source_id != own]


def _captured(item: Item) -> Entry:
    products = item.properties.get("products")
    told = []
    if item.channel:
        told.append(f"{item.channel} {item.location}".strip())
    if isinstance(products, list):
        told.append(f"{len(products)} products")
    if item.value is not None:
        told.append(f"{item.value:,.2f}")
    data = {"id": item.id, "source": item.source, "channel": item.channel}
    return Entry(item.occurred_at, item.name or item.type, tuple(told), data)


def _understood(moved: Iterable[Item]) -> Iterable[Entry]:
    for item in moved:
        word = "entered" if item.name == "Segment Entered" else "left"
        segment = item.properties.get("segment")
        yield Entry(item.occurred_at, f"{word}: {segment}", (), dict(item.properties))


def _engaged(conn: Connection, customer_id: int) -> Iterable[Entry]:
    found = triggers.runs(conn, customer_id=customer_id, limit=OF_A_STATION)
    for run in reversed(found):
        said = run.state if not run.reason else f"{run.state}: {run.reason}"
        told = [said, *(f"{name} {value}" for name, value in run.data.items() if name == "offer")]
        data = {"run": run.id, "trigger_id": run.trigger_id, "state": run.state, **run.data}
        yield Entry(run.entered_at, run.trigger, tuple(told), data)


def _decided(conn: Connection, subjects: Sequence[int]) -> list[Entry]:
    rows = conn.execute(
        "SELECT id FROM decisions WHERE subject_id = ANY(%s) ORDER BY at DESC LIMIT %s",
        (list(subjects), OF_A_STATION),
    ).fetchall()
    return [_decision(decisions.replay(conn, row[0])) for row in reversed(rows)]


def _decision(made: decisions.Decision) -> Entry:
    told = [f"{chosen.name}: {'; '.join(chosen.reasons)}" for chosen in made.offers]
    told += [f"not {held.offer}: {held.reason}" for held in made.held]
    what = ", ".join(chosen.name for chosen in made.offers) or "nothing was offered"
    data = {
        "decision": str(made.id),
        "channel": made.channel,
        "location": made.location,
        "offers": [chosen.offer for chosen in made.offers],
        "held": {held.offer: held.reason for held in made.held},
        "holdout": made.holdout,
    }
    return Entry(made.at, f"{made.channel}: {what}", tuple(told), data)


def _delivered(conn: Connection, customer_id: int) -> list[Entry]:
    which = channels.Which(customer_id=customer_id)
    found = []
    for one in reversed(channels.deliveries(conn, which, limit=OF_A_STATION)):
        said = one.state if not one.reason else f"{one.state}: {one.reason}"
        told = [said, *filter(None, [one.answer and f"answered {one.answer}"])]
        data = {
            "delivery": one.id, "state": one.state, "reason": one.reason, "offer": one.offer,
            "template": one.template, "handed_at": one.handed_at, "campaign_id": one.campaign_id,
            "trigger_id": one.trigger_id, "decision_id": one.decision_id,
        }  # fmt: skip
        what = f"{one.channel}: {one.offer or one.template or one.topic} ({one.kind})"
        found.append(Entry(one.created_at, what, tuple(told), data))
    return found


def _measured(conn: Connection, customer_id: int) -> list[Entry]:
    found = [
        Entry(
            sent.decided_at,
            f"asked: {sent.survey}" if sent.state != "not_asked" else f"not asked: {sent.survey}",
            (sent.reason or sent.state,),
            {"invitation": sent.id, "state": sent.state, "reason": sent.reason},
        )
        for sent in surveys.invitations(conn, [customer_id], limit=OF_A_STATION)
    ]
    for given in surveys.answers(conn, customer_id=customer_id, limit=OF_A_STATION):
        told = [f"{given.kind} {given.score}", *filter(None, [given.text])]
        told += ["simulated"] if given.simulated else []
        data: dict[str, Any] = {"answer": given.id, "score": given.score}
        data["simulated"] = given.simulated
        found.append(Entry(given.answered_at, f"answered: {given.survey}", tuple(told), data))
    for signal in signals.of_customers(conn, [customer_id], limit=OF_A_STATION):
        data = {"signal": signal.id, "kind": signal.kind, **signal.detail}
        found.append(Entry(signal.at, f"signal: {signal.kind}", (), data))
    return sorted(found, key=lambda entry: entry.at)


def _acted(conn: Connection, customer_id: int) -> list[Entry]:
    found = []
    for case in cases.listing(conn, where=cases.Filter(customer_id=customer_id)):
        data = {"case": case.id, "kind": case.kind, "state": case.state}
        told = tuple(filter(None, [case.kind, case.story]))
        found.append(Entry(case.opened_at, f"case opened: {case.title}", told, data))
        if case.closed_at is not None:
            told = tuple(filter(None, [case.resolution]))
            found.append(Entry(case.closed_at, f"case closed: {case.title}", told, data))
    return sorted(found, key=lambda entry: entry.at)


def _changed(
    decided: Sequence[Entry],
    between: Sequence[Entry],
    delivered: Sequence[Entry],
    items: Sequence[Item],
) -> list[Entry]:
    """Decisions on one channel that differ from the one before, with what lay between; and what
    was bought within two weeks of a message.
    """
    found = []
    last: dict[str, Entry] = {}
    for entry in decided:
        former = last.get(entry.data["channel"])
        last[entry.data["channel"]] = entry
        if former is None or former.data["offers"] == entry.data["offers"]:
            continue
        since = [each for each in between if former.at < each.at <= entry.at]
        told = [f"before: {_names(former)}", f"now: {_names(entry)}"]
        told += [f"between: {each.what}" for each in since[-5:]]
        told += [
            f"held back: {offer}, {reason}"
            for offer, reason in entry.data["held"].items()
            if offer in former.data["offers"]
        ]
        found.append(Entry(entry.at, f"another decision on {entry.data['channel']}", tuple(told)))
    for entry in delivered:
        handed = entry.data["handed_at"]
        bought = [
            item for item in items
            if handed and item.name == ORDER and handed < item.occurred_at <= handed + AFTER
        ]  # fmt: skip
        if bought:
            days = (bought[0].occurred_at - handed).days
            words = f"{len(bought)} orders within two weeks, the first after {days} days"
            found.append(Entry(bought[0].occurred_at, f"after {entry.what}", (words,)))
    return sorted(found, key=lambda entry: entry.at)


def _names(entry: Entry) -> str:
    return ", ".join(entry.data["offers"]) or "nothing"


def members_now(conn: Connection, customer_id: int) -> list[str]:
    """The segments that the customer is in now, by name."""
    names = {segment.id: segment.name for segment in segments.listing(conn=conn)}
    return [names[one.segment_id] for one in segments.segments_of(conn, customer_id)]
