"""The list of cases, and one case: the customer's story, its clock, its owner, what was done."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from touchloop.channels import api as channels
from touchloop.console import database, views_saved
from touchloop.console.cases import whom, words
from touchloop.console.cases.listing import COLUMNS, SHOWS, UNFINISHED, Row, offset, wanted
from touchloop.console.customers import events, sight, wording
from touchloop.console.customers.events import Entry
from touchloop.console.customers.sight import Sight
from touchloop.console.pages import Request, page
from touchloop.console.scorecards import figures
from touchloop.console.ui.tables import Action, Query, Table, respond
from touchloop.core import access, arrays, clock, proportions
from touchloop.core.access import Permission
from touchloop.core.accounts import api as accounts
from touchloop.core.accounts.api import Person
from touchloop.core.db import Connection
from touchloop.core.errors import NotFound
from touchloop.experience.surveys import api as surveys
from touchloop.profiles import api as profiles
from touchloop.records.cases import api as cases
from touchloop.records.cases.api import Case, Filter

ROWS = 50
HELD_SHOWN = 5
WEEKS = 4


@page(Permission.CASES_VIEW)
def listed(request: Request) -> HttpResponse:
    """Cases by who has to do something, the soonest due first."""
    conn, now = database.here(), clock.now()
    query = Query.of(request, COLUMNS)
    where = wanted(request.GET, actor_id=request.actor.id, now=now)
    locations, start = whom.scope(request.actor), offset(query.after)
    found = cases.listing(conn, where=where, locations=locations, limit=ROWS + 1, offset=start)
    works = access.allows(request.actor, Permission.CASES_WORK)
    table = Table(
        name="cases",
        label=_("Cases"),
        columns=COLUMNS,
        query=query,
        rows=_rows(conn, found[:ROWS], sight.of(request.actor), now),
        next=str(start + ROWS) if len(found) > ROWS else "",
        href=lambda row: reverse("case", args=[row.id]),
        actions=(Action(_("Take these"), reverse("cases_take"), icon="user-round-plus"),)
        if works and where.states == UNFINISHED
        else (),
        empty=SafeString(render_to_string("cases/empty.html", {}, request)),
        note=_("Only the cases of your stores are listed.") if locations is not None else "",
    )
    if request.headers.get("X-Rows"):
        return respond(request, "cases/list.html", {"table": table})
    context = {
        "table": table,
        "saved": views_saved.bar(request, "cases", query),
        "shows": _shows(conn, request, now),
        "kinds": [(name, label, name in where.kinds) for name, label in words.KINDS.items()],
        "words": where.words,
        "show": request.GET.get("show", ""),
        "of_customer": where.customer_id,
        **_figures(conn, locations, now),
    }
    return respond(request, "cases/list.html", context)


@page(Permission.CASES_VIEW)
def case(request: Request, id: int) -> HttpResponse:
    """One case."""
    conn, sees, now = database.here(), sight.of(request.actor), clock.now()
    found = one(conn, id, request.actor)
    past = cases.history(conn, id)
    names = accounts.names(
        [by for each in past for by in (each.by, each.detail.get("to")) if by is not None]
        + ([found.owner_id] if found.owner_id else [])
    )
    works = access.allows(request.actor, Permission.CASES_WORK)
    context = {
        "case": found,
        "story": sees.masked(found.story),
        "kind": words.kind(found.kind),
        "kind_tone": words.KIND_TONES.get(found.kind, ""),
        "state": words.STATES.get(found.state, found.state),
        "state_tone": words.STATE_TONES.get(found.state, ""),
        "clock": words.clock_words(found, now),
        "overdue": found.overdue(now),
        "late": found.closed_at is not None and found.closed_at > found.due_at,
        "customer": whom.customers(conn, [found.customer_id], sees).get(found.customer_id),
        "place": whom.place_names(conn, [found.location]).get(found.location, found.location),
        "channel": wording.channel(found.channel) if found.channel else "",
        "answer": _answer(conn, found),
        "entries": _story(conn, found, sees),
        "past": [
            (each, words.what_was_done(each, names), words.icon_of(each),
             names.get(each.by, "") if each.by else "", sees.masked(each.text))
            for each in past
        ],
        "owner": names.get(found.owner_id, "") if found.owner_id else "",
        "owners": owners(found) if works else [],
        "mine": found.owner_id == request.actor.id,
        "works": works,
        "others": _others(conn, found, whom.scope(request.actor)),
        **_muted(conn, found),
        "crumbs": [(_("Case %d") % id, "")],
    }  # fmt: skip
    return render(request, "cases/case.html", context)


def one(conn: Connection, id: int, actor: Person) -> Case:
    """The case, if the person may see it. Raises Http404."""
    try:
        return cases.get(conn, id, locations=whom.scope(actor))
    except NotFound as missing:
        raise Http404(str(missing)) from missing


def owners(found: Case) -> list[tuple[int, str]]:
    """Who could own the case: whoever may work on it and sees its place."""
    return [
        (each.id, each.name or each.email)
        for each in accounts.people()
        if access.allows(each, Permission.CASES_WORK)
        and (access.scope(each).everybody or found.location in access.scope(each).locations)
    ]


def _rows(conn: Connection, found: Sequence[Case], sees: Sight, now: datetime) -> list[Row]:
    named = whom.customers(conn, (each.customer_id for each in found), sees)
    places = whom.place_names(conn, (each.location for each in found))
    owned_by = accounts.names([each.owner_id for each in found if each.owner_id is not None])
    simulated = _simulated(conn, found)
    return [
        Row(
            id=each.id,
            case=each,
            customer=named.get(each.customer_id),
            owner=owned_by.get(each.owner_id, "") if each.owner_id else "",
            place=places.get(each.location, each.location)
            or (wording.channel(each.channel) if each.channel else ""),
            simulated=each.id in simulated,
            now=now,
        )
        for each in found
    ]


def _shows(
    conn: Connection, request: Request, now: datetime
) -> list[tuple[str, Any, int | None, bool]]:
    """The chips: which cases, how many, and whether it is chosen. What is closed only grows."""
    locations, chosen = whom.scope(request.actor), request.GET.get("show", "")

    def count(name: str) -> int | None:
        if name == "closed":
            return None
        where = wanted(request.GET, actor_id=request.actor.id, now=now, show=name)
        return cases.count(conn, where=where, locations=locations)

    return [(name, label, count(name), name == chosen) for name, label in SHOWS.items()]


def _figures(conn: Connection, locations: frozenset[str] | None, now: datetime) -> dict[str, Any]:
    since = now - timedelta(weeks=WEEKS)
    found = cases.figures(conn, since=since, until=now, now=now, locations=locations)
    part = proportions.share(found.closed_in_time, found.closed)
    return {
        "figures": found,
        "in_time": {"value": figures.percent(part.value), "interval": figures.between(part)}
        if found.closed
        else None,
        "median": _hours(found.median_hours),
        "waiting_note": ngettext(
            "%d waits for the customer", "%d wait for the customer", found.waiting
        )
        % found.waiting,
    }


def _hours(hours: float | None) -> str:
    if hours is None:
        return ""
    if hours < 1:
        return _("%d min") % round(hours * 60)
    return _("%d h") % round(hours) if hours < 72 else _("%d days") % round(hours / 24)


def _answer(conn: Connection, found: Case) -> surveys.Given | None:
    """The answer that opened the case."""
    id = _answer_id(found)
    if id is None:
        return None
    given = surveys.answers(conn, customer_id=found.customer_id, limit=200)
    return next((each for each in given if each.id == id), None)


def _answer_id(found: Case) -> int | None:
    matched = re.fullmatch(r"answer:(\d{1,18})", found.cause)
    return int(matched[1]) if matched else None


def _simulated(conn: Connection, found: Iterable[Case]) -> set[int]:
    """Those of these cases that a simulated answer opened."""
    answers = {id: each.id for each in found if (id := _answer_id(each)) is not None}
    if not answers:
        return set()
    rows = conn.execute(
        "SELECT id FROM answers WHERE id = ANY(%s::bigint[]) AND source <> ''",
        (arrays.numbers(answers),),
    ).fetchall()
    return {answers[row[0]] for row in rows}


def _story(conn: Connection, found: Case, sees: Sight) -> list[Entry]:
    """What happened before, newest first; what was erased since is not there."""
    beside = reverse("customer_timeline", args=[found.customer_id])
    told = []
    for id in found.story_ids:
        try:
            item = profiles.one_interaction(conn, id)
        except NotFound:
            continue
        told.append(events.entry(item, sees, address=f"{beside}{item.id}/"))
    return told


def _muted(conn: Connection, found: Case) -> dict[str, Any]:
    """What does not reach this customer while the case is open."""
    if found.state == "closed":
        return {"muted": "", "held": [], "asks": False}
    reason = cases.selling_muted(conn, [found.customer_id]).get(found.customer_id, "")
    held = channels.held_back(conn, channels.Which(customer_id=found.customer_id), limit=HELD_SHOWN)
    return {
        "muted": words.muted_because(reason) if reason else "",
        "held": [
            (wording.channel(each.channel), each.topic, each.reason.replace("_", " "), each)
            for each in held
            if each.created_at > found.opened_at
        ],
        "asks": True,
    }


def _others(conn: Connection, found: Case, locations: frozenset[str] | None) -> list[Case]:
    """Other cases of the customer that are not closed."""
    where = Filter(states=UNFINISHED, customer_id=found.customer_id)
    return [
        each
        for each in cases.listing(conn, where=where, locations=locations, limit=10)
        if each.id != found.id
    ]
