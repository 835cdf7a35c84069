"""The list of segments, and one segment: members, who came and went, its rule, its past."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from touchloop.console import database, views_saved
from touchloop.console.customers import listing, person, sight
from touchloop.console.customers.sight import Sight
from touchloop.console.loop.figures import start_of_day
from touchloop.console.pages import Request, page, with_drawer
from touchloop.console.segments import heading, moves, sizing, words
from touchloop.console.segments.heading import one
from touchloop.console.ui import cells, charts
from touchloop.console.ui.tables import Action, Column, Query, Table, respond
from touchloop.core import clock
from touchloop.core.access import Permission
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid
from touchloop.insight.segments import api as segments
from touchloop.insight.segments.api import Membership, Segment
from touchloop.profiles import api as profiles

ROWS = 50

COLUMNS = (
    Column("name", gettext_lazy("Segment"), cell=lambda row: _name(row), sorts=True, wrap=True),
    Column("state", gettext_lazy("State"), cell=lambda row: _state(row)),
    Column(
        "purpose",
        gettext_lazy("For"),
        minor=True,
        cell=lambda row: cells.quiet(words.PURPOSES.get(row.purpose, row.purpose)),
    ),
    Column("trend", gettext_lazy("Four weeks"), minor=True, cell=lambda row: _trend(row)),
    Column(
        "members",
        gettext_lazy("Members"),
        sorts=True,
        end=True,
        cell=lambda row: cells.figure(row.members),
    ),
    Column(
        "updated",
        gettext_lazy("Changed"),
        minor=True,
        hidden=True,
        cell=lambda row: cells.when(row.updated_at),
    ),
)


@page(Permission.SEGMENTS_VIEW)
def listed(request: Request) -> HttpResponse:
    """Every segment."""
    query = Query.of(request, COLUMNS, default="-members")
    state = request.GET.get("state", "")
    every = segments.listing(conn=database.here())
    rows = [each for each in every if not state or each.state == state]
    rows.sort(key=_SORTS[query.sort], reverse=query.descending)
    table = Table(
        name="segments",
        label=_("Segments"),
        columns=COLUMNS,
        query=query,
        rows=rows,
        href=lambda row: reverse("segment", args=[row.id]),
        empty=SafeString(render_to_string("segments/empty.html", {}, request)),
        actions=(Action(_("Show how they overlap"), reverse("segment_overlap"), icon="layers"),),
    )
    context = {
        "table": table,
        "saved": views_saved.bar(request, "segments", query),
        "states": [
            (name, label, sum(each.state == name for each in every))
            for name, label in words.STATES.items()
        ],
        "state_on": state,
        "total": len(every),
    }
    return respond(request, "segments/list.html", context)


@page(Permission.SEGMENTS_VIEW)
def segment(request: Request, id: int) -> HttpResponse:
    """Its members, the newest first."""
    found = one(database.here(), id)
    return respond(request, "segments/members.html", _members(request, found))


@page(Permission.SEGMENTS_VIEW)
def moved(request: Request, id: int) -> HttpResponse:
    """Who came and went."""
    conn, sees = database.here(), sight.of(request.actor)
    found = one(conn, id)
    since = start_of_day(clock.now()) if request.GET.get("when") == "today" else None
    latest = moves.latest(id, since=since)
    named = profiles.names(conn, sorted({move.customer_id for move in latest}))
    rows = [
        (
            move,
            heading.called(named[move.customer_id], sees),
            reverse("customer", args=[move.customer_id]),
        )
        for move in latest
        if move.customer_id in named and heading.visible(conn, named[move.customer_id].id, sees)
    ]
    context = {
        **heading.head(conn, found, "segment_moves"),
        "rows": rows,
        "today": since is not None,
    }
    return charts.drawn(
        request, "segments/moves.html", context, sizing.chart(conn, found), moves.chart(id)
    )


@page(Permission.SEGMENTS_VIEW)
def rule(request: Request, id: int) -> HttpResponse:
    """The rule: sentence, structure, JSON; and the rules it had before."""
    conn = database.here()
    found = one(conn, id)
    past = segments.versions(id, conn=conn)
    names = {each.id: each.name for each in segments.listing(conn=conn)}
    context = {
        **heading.head(conn, found, "segment_rule"),
        "versions": [
            (each, segments.sentence(segments.parse(each.rule), segments=names)) for each in past
        ],
        "dependants": segments.dependants(id, conn=conn),
    }
    return render(request, "segments/rule.html", context)


@page(Permission.SEGMENTS_VIEW)
def trend(request: Request, id: int) -> HttpResponse:
    """The small line in the list."""
    return HttpResponse(
        cells.spark(moves.trend(id, one(database.here(), id).members), tone="record")
    )


@page(Permission.SEGMENTS_VIEW)
def why(request: Request, id: int, customer_id: int) -> HttpResponse:
    """Why a customer is in a segment, or not."""
    conn, sees = database.here(), sight.of(request.actor)
    customer = person.within_sight(conn, customer_id, sees)
    rule_of = one(conn, id)
    context = {
        "why": segments.why(conn, customer.id, id, clock.now()),
        "sees": sees,
        "segment": rule_of,
        "customer": customer,
        "name": listing.called(customer.display_name, customer.leader, customer.id, sees),
    }
    if request.headers.get("HX-Request") and not request.headers.get("X-Drawer"):
        return render(request, "segments/why.html", context)
    return with_drawer(
        request,
        lambda: ("segments/members.html", _members(request, rule_of)),
        "segments/why_drawer.html",
        context,
    )


def _members(request: Request, found: Segment) -> dict[str, Any]:
    conn, sees, id = database.here(), sight.of(request.actor), found.id
    query = Query.of(request, MEMBERS)
    members = segments.members(conn, id, limit=ROWS + 1, after=_after(query.after))
    rows = _named(conn, members[:ROWS], sees)
    last = members[ROWS - 1] if len(members) > ROWS else None
    table = Table(
        name="members",
        label=_("Members"),
        columns=MEMBERS,
        query=query,
        rows=rows,
        next=f"{last.since.isoformat()}~{last.customer_id}" if last else "",
        href=lambda row: row["url"],
        empty=SafeString(render_to_string("segments/nobody.html", {"segment": found}, request)),
        note=_("Only the customers that your role sees are listed.") if sees.locations else "",
    )
    return {**heading.head(conn, found, "segment"), "table": table}


def _named(conn: Connection, members: list[Membership], sees: Sight) -> list[dict[str, Any]]:
    named = profiles.names(conn, [member.customer_id for member in members])
    return [
        {
            "id": member.customer_id,
            "name": heading.called(named[member.customer_id], sees),
            "url": reverse("customer", args=[member.customer_id]),
            "since": member.since,
            "why": reverse("segment_why", args=[member.segment_id, member.customer_id]),
        }
        for member in members
        if member.customer_id in named and heading.visible(conn, member.customer_id, sees)
    ]


def _after(key: str) -> tuple[datetime, int] | None:
    since, tilde, customer = key.partition("~")
    if not tilde or not customer.isdigit() or len(customer) > 18:
        return None
    try:
        return datetime.fromisoformat(since), int(customer)
    except ValueError:
        raise Invalid("after", _("is not a place in this list")) from None


def _name(row: Segment) -> SafeString:
    return format_html(
        '<a class="lead" href="{}"><bdi>{}</bdi></a><br><small><bdi>{}</bdi></small>',
        reverse("segment", args=[row.id]),
        row.name,
        row.sentence[:200],
    )


def _state(row: Segment) -> SafeString:
    return cells.badge(words.STATES.get(row.state, row.state), tone=words.TONES.get(row.state, ""))


def _trend(row: Segment) -> SafeString:
    return format_html(
        '<span class="trend" hx-get="{}" hx-trigger="intersect once"></span>',
        reverse("segment_trend", args=[row.id]),
    )


def _why(row: dict[str, Any]) -> SafeString:
    return format_html('<a class="quiet" href="{}" data-drawer>{}</a>', row["why"], _("why?"))


MEMBERS = (
    Column(
        "name",
        gettext_lazy("Customer"),
        cell=lambda row: format_html(
            '<a class="lead" href="{}"><bdi>{}</bdi></a>', row["url"], row["name"]
        ),
    ),
    Column("why", gettext_lazy("Why"), cell=_why),
    Column(
        "since", gettext_lazy("Member since"), end=True, cell=lambda row: cells.when(row["since"])
    ),
)
_SORTS: dict[str, Any] = {
    "name": lambda each: each.name.lower(),
    "members": lambda each: (each.members, each.name.lower()),
}
