"""A customer's timeline as the page shows it: days, words, and what an entry folds open to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import formats
from django.utils.translation import gettext as _

from touchloop.console import database, organisation
from touchloop.console.customers import person, sight, wording
from touchloop.console.customers.sight import Sight
from touchloop.console.customers.wording import Told
from touchloop.console.pages import Request, page
from touchloop.core import clock
from touchloop.core.access import Permission
from touchloop.core.db import Connection
from touchloop.core.errors import NotFound
from touchloop.identity import api as identity
from touchloop.profiles import api as profiles
from touchloop.profiles.api import Item

FACTS = 40


@dataclass(frozen=True, slots=True)
class Entry:
    """One interaction in words."""

    item: Item
    told: Told
    channel: str
    where: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class Day:
    """The entries of one day. `continues`: the page before ended within it."""

    title: str
    iso: str
    entries: Sequence[Entry]
    continues: bool


@dataclass(frozen=True, slots=True)
class Timeline:
    """A part of the timeline, and where the next part begins."""

    days: Sequence[Day]
    before: str


def timeline(
    conn: Connection, customer_id: int, subjects: Sequence[int], asked: QueryDict, *, sees: Sight
) -> Timeline:
    """The part of the timeline that an address asks for. Raises Invalid."""
    part = profiles.timeline(
        conn,
        subjects,
        kinds=[int(kind) for kind in asked.getlist("kind") if kind.isdigit() and len(kind) < 10],
        channels=[channel[:40] for channel in asked.getlist("channel") if channel],
        before=asked.get("before", "")[:60],
    )
    entries = _entries(part.items, sees, customer_id)
    return Timeline(_days(entries, asked.get("day", "")), part.before or "")


def entry(item: Item, sees: Sight, *, address: str = "") -> Entry:
    """One interaction in the reader's words; `address` is where its details are."""
    shown = item if sees.everything else _masked(item, sees)
    told = wording.tell(shown, currency=organisation.current().currency)
    return Entry(
        shown, told, wording.channel(item.channel), item.place if item.location else "", address
    )


@page(Permission.CUSTOMERS_VIEW)
def part(request: Request, id: int) -> HttpResponse:
    """Older entries, when scrolling asks for them; or all anew after a filter."""
    sees, conn = sight.of(request.actor), database.here()
    customer = person.within_sight(conn, id, sees)
    subjects = person.subjects(conn, customer.id)
    context = {
        "customer_id": customer.id,
        "timeline": timeline(conn, customer.id, subjects, request.GET, sees=sees),
        "filtered": "kind" in request.GET or "channel" in request.GET,
    }
    return render(request, "customers/timeline.html", context)


@page(Permission.CUSTOMERS_VIEW)
def detail(request: Request, id: int, interaction_id: int) -> HttpResponse:
    """What an entry folds open to: products, facts, and the message itself."""
    sees, conn = sight.of(request.actor), database.here()
    customer = person.within_sight(conn, id, sees)
    item = _item(conn, interaction_id)
    if identity.customers_of(conn, [item.subject_id]).get(item.subject_id) != customer.id:
        raise Http404
    return render(request, "customers/detail.html", details(conn, item, sees))


def details(conn: Connection, item: Item, sees: Sight) -> dict[str, Any]:
    """What stands behind an interaction."""
    body = sees.masked(item.body)
    given = body.get("properties") or body.get("traits") or {}
    facts = given.items() if isinstance(given, Mapping) else ()
    return {
        "item": item,
        "entry": entry(item, sees),
        "currency": organisation.current().currency,
        "products": [
            (
                each,
                wording.plain(each.name or each.product_id),
                wording.money(each.amount, organisation.current().currency),
            )
            for each in profiles.products(conn, item.id)
        ],
        "facts": [(name, wording.value(value)) for name, value in facts if name != "products"][
            :FACTS
        ],
        "body": body,
        "masked": not sees.everything,
    }


def _item(conn: Connection, interaction_id: int) -> Item:
    try:
        return profiles.one_interaction(conn, interaction_id)
    except NotFound as missing:
        raise Http404(str(missing)) from missing


def _entries(items: Sequence[Item], sees: Sight, customer_id: int) -> list[Entry]:
    beside = reverse("customer_timeline", args=[customer_id])
    return [entry(item, sees, address=f"{beside}{item.id}/") for item in items]


def _days(entries: Sequence[Entry], last_day: str) -> list[Day]:
    """Entries by day in the organisation's time zone."""
    zone = ZoneInfo(organisation.current().time_zone)
    days: dict[date, list[Entry]] = {}
    for each in entries:
        days.setdefault(each.item.occurred_at.astimezone(zone).date(), []).append(each)
    today = clock.now().astimezone(zone).date()
    return [
        Day(_day(day, today), day.isoformat(), those, day.isoformat() == last_day)
        for day, those in days.items()
    ]


def _day(day: date, today: date) -> str:
    written = formats.date_format(day, "l, j F" if day.year == today.year else "l, j F Y")
    age = (today - day).days
    if age == 0:
        return _("Today, %s") % written
    return _("Yesterday, %s") % written if age == 1 else written


def _masked(item: Item, sees: Sight) -> Item:
    return replace(item, body=sees.masked(item.body))
