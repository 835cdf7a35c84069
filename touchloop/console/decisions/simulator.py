"""What would this customer get here, now; at another time; with something changed?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from touchloop.console import database
from touchloop.console.customers import person, sight, wording
from touchloop.console.customers.sight import Sight
from touchloop.console.decisions import anatomy, views
from touchloop.console.decisions.anatomy import Candidate, Laid
from touchloop.console.offers.form import value_of
from touchloop.console.offers.people import called
from touchloop.console.pages import Request, page
from touchloop.console.segments.names import segment_names
from touchloop.core import clock
from touchloop.core.access import Permission
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid
from touchloop.engage.decisions import api as decisions
from touchloop.engage.offers import api as offers
from touchloop.profiles import api as profiles
from touchloop.profiles.api import Customer

MOST = 10


@dataclass(frozen=True, slots=True)
class Place:
    """An offer in one column: where it stands, and how it stands beside the first column."""

    candidate: Candidate
    moved: str
    tone: str


@dataclass(frozen=True, slots=True)
class Case:
    """One column: the question in words, the answer, and what differs from the first."""

    title: str
    note: str
    laid: Laid
    places: list[Place]
    gone: list[tuple[str, str]]
    muted: str
    holdout: bool


@page(Permission.DECISIONS_VIEW)
def show(request: Request) -> HttpResponse:
    """The question, and the answers side by side."""
    conn, sees = database.here(), sight.of(request.actor)
    asked = {name: request.GET.get(name, "").replace("\0", "")[:200].strip() for name in _ASKED}
    tomorrow = timezone.localtime(clock.now()) + timedelta(days=1)
    tomorrow = tomorrow.replace(hour=9, minute=0, second=0, microsecond=0)
    if "at" not in request.GET:
        asked["at"] = f"{tomorrow:%Y-%m-%dT%H:%M}"
    channels = views.channels(conn)
    if not asked["channel"]:
        asked["channel"] = next((name for name, _l in channels if name == "store"), "store")
    live = offers.live(conn)
    context: dict[str, Any] = {
        "tabs": views.tabs("simulator"),
        "asked": asked,
        "channels": channels or [("store", wording.channel("store"))],
        "segments": [("", _("No change")), *segment_names().items()],
        "traits": [name for name in profiles.traits_in_use(conn) if sees.shows_trait(name)],
        "live": len(live.offers),
    }
    if asked["customer"].isdigit() and len(asked["customer"]) < 19:
        customer = person.within_sight(conn, int(asked["customer"]), sees)
        context["customer"] = customer
        context["name"] = called(conn, [customer.id], sees).get(customer.id, "")
        context["now_value"] = _now(customer, asked["trait"], sees)
        try:
            context["cases"] = _cases(conn, customer, asked, sees)
        except Invalid as wrong:
            context["wrong"] = wrong
    return render(request, "decisions/simulator.html", context)


def _cases(
    conn: Connection, customer: Customer, asked: Mapping[str, str], sees: Sight
) -> list[Case]:
    now = clock.now()
    base = _request(customer, asked, now)
    here = views.place_words(base.channel, base.location, base.placement)
    first = _case(conn, base, sees, _("Here, now"), here)
    cases = [first]
    at = _moment(asked["at"])
    if at is not None:
        title = formats.date_format(timezone.localtime(at), "SHORT_DATETIME_FORMAT")
        later = _request(customer, asked, at)
        cases.append(_case(conn, later, sees, title, _("the same place, then"), beside=first))
    traits, members = _changed(customer, asked, sees)
    if traits or members:
        names = segment_names()
        said = [f"{name}: {wording.value(value)}" for name, value in traits.items()]
        said += [
            (_("in “%s”") if member else _("not in “%s”")) % names.get(id, str(id))
            for id, member in members.items()
        ]
        cases.append(
            _case(
                conn, base, sees, _("With a change"), "; ".join(said), beside=first,
                traits=traits, members=members,
            )
        )  # fmt: skip
    return cases


def _case(
    conn: Connection,
    request: decisions.Request,
    sees: Sight,
    title: str,
    note: str,
    *,
    beside: Case | None = None,
    traits: Mapping[str, Any] | None = None,
    members: Mapping[int, bool] | None = None,
) -> Case:
    found = decisions.simulate(conn, request, traits=traits, segments=members)
    laid = anatomy.lay(conn, found, sees, most=0)
    before = {each.id: each.rank for each in beside.laid.proposed} if beside else None
    here = {each.id for each in laid.proposed}
    gone = [
        (each.name, _why_gone(laid, each))
        for each in (beside.laid.proposed if beside else ())
        if each.id not in here
    ]
    return Case(
        title,
        note,
        laid,
        [Place(each, *_moved(each, before)) for each in laid.proposed],
        gone,
        found.facts.muted,
        found.decision.holdout,
    )


def _moved(each: Candidate, before: Mapping[int, int] | None) -> tuple[str, str]:
    if before is None:
        return "", ""
    rank = before.get(each.id)
    if rank is None:
        return _("new here"), "experience"
    if rank > each.rank:
        return _("up from %d") % rank, "experience"
    return (_("down from %d") % rank, "engage") if rank < each.rank else ("", "")


def _why_gone(laid: Laid, each: Candidate) -> str:
    """Where an offer of the first column got lost in this one."""
    return next(
        (held.reason for step in laid.steps for held in step.held if held.href == each.href),
        "",
    )


def _request(customer: Customer, asked: Mapping[str, str], now: datetime) -> decisions.Request:
    limit = asked["limit"]
    if limit and not (limit.isdigit() and 1 <= int(limit) <= MOST):
        raise Invalid("limit", _("There is room for 1 to %d offers.") % MOST)
    said = asked["context_name"]
    return decisions.Request(
        customer_id=customer.id,
        channel=asked["channel"],
        location=asked["location"],
        placement=asked["placement"],
        limit=int(limit or 3),
        context={said: asked["context_value"]} if said else {},
        now=now,
    )


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
        return at if at.tzinfo else timezone.make_aware(at)
    except (ValueError, OverflowError):
        raise Invalid("at", _("Write the moment like 2026-01-31T09:00.")) from None


def _changed(
    customer: Customer, asked: Mapping[str, str], sees: Sight
) -> tuple[dict[str, Any], dict[int, bool]]:
    """The trait and the membership that the third column assumes."""
    traits: dict[str, Any] = {}
    if asked["trait"]:
        if not sees.shows_trait(asked["trait"]):
            raise Invalid("trait", _("Your role does not see this detail."))
        value = asked["value"]
        traits[asked["trait"]] = value_of(value) if value else None
    segment = asked["segment"]
    members: dict[int, bool] = {}
    if segment.isdigit() and int(segment) in segment_names():
        members[int(segment)] = asked["member"] != "out"
    return traits, members


def _now(customer: Customer, trait: str, sees: Sight) -> str:
    """What the trait says now, for who may see it."""
    if not trait or not sees.shows_trait(trait):
        return ""
    return next((wording.value(fact.value) for fact in customer.facts if fact.name == trait), "")


_ASKED = (
    "customer", "channel", "location", "placement", "limit", "at", "trait", "value", "segment",
    "member", "context_name", "context_value",
)  # fmt: skip
