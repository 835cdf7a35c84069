"""The list of campaigns, and one: its variants side by side, what was held back and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from touchloop.console import database
from touchloop.console.messages import comparing, planning, reports, room, words
from touchloop.console.pages import Request, page
from touchloop.console.segments.names import segment_names
from touchloop.console.ui import cells
from touchloop.console.ui.tables import Column, Query, Table
from touchloop.core import clock
from touchloop.core.access import Permission
from touchloop.core.db import Connection
from touchloop.core.errors import NotFound
from touchloop.core.proportions import Gain, Share
from touchloop.engage.campaigns import api as campaigns
from touchloop.engage.campaigns.api import Campaign, Past, Report

PAST, PAST_SECONDS = "campaigns.past", 300


@dataclass(frozen=True, slots=True)
class Row:
    """A campaign in the list; its report may not be counted yet."""

    id: int
    campaign: Campaign
    segment: str
    report: Report | None

    def sum(self, name: str) -> Share | None:
        """All variants together."""
        return comparing.together(self.report, name) if self.report else None


COLUMNS = (
    Column("name", gettext_lazy("Campaign"), wrap=True, cell=lambda row: _name(row)),
    Column("state", gettext_lazy("State"), cell=lambda row: _state(row.campaign)),
    Column("audience", gettext_lazy("Audience"), end=True, cell=lambda row: _audience(row)),
    Column("handed", gettext_lazy("Handed"), end=True, minor=True, cell=lambda row: _handed(row)),
    Column(
        "confirmed",
        gettext_lazy("Confirmed"),
        end=True,
        minor=True,
        cell=lambda row: share(row.sum("confirmed")),
    ),
    Column(
        "clicked",
        gettext_lazy("Clicked"),
        end=True,
        minor=True,
        cell=lambda row: share(row.sum("clicked")),
    ),
    Column(
        "converted",
        gettext_lazy("Came to the goal"),
        end=True,
        minor=True,
        cell=lambda row: share(row.sum("converted")) if _has_goal(row) else cells.quiet(""),
    ),
    Column("gained", gettext_lazy("People gained"), end=True, cell=lambda row: _gained(row)),
)


@page(Permission.MESSAGES_VIEW)
def listed(request: Request) -> HttpResponse:
    """Every campaign of ours; figures that are not known yet follow in a moment."""
    conn, now = database.here(), clock.now()
    every = campaigns.listing(conn)
    state = request.GET.get("state", "")
    chosen = [each for each in every if not state or each.state == state]
    known = reports.kept(chosen)
    if request.headers.get("HX-Request"):
        known |= {
            each.id: reports.fresh(conn, each, now=now) for each in chosen if each.id not in known
        }
    names = segment_names()
    rows = [
        Row(each.id, each, names.get(each.plan["segment"], ""), known.get(each.id))
        for each in chosen
    ]
    table = Table(
        name="campaigns",
        label=_("Campaigns"),
        columns=COLUMNS,
        query=Query.of(request, COLUMNS),
        rows=rows,
        href=lambda row: reverse("campaign", args=[row.id]),
        empty=SafeString(render_to_string("messages/no_campaign.html", {}, request)),
        note=_(
            "Shares with their 95 % interval. Gained: beyond what came of itself in the holdout."
        ),
    )
    context = {
        "table": table,
        "tabs": room.tabs(conn, "campaigns"),
        "counting": len(known) < len(chosen),
        "states": [
            (name, label, sum(each.state == name for each in every))
            for name, label in words.CAMPAIGN_STATES.items()
        ],
        "state_on": state,
        "total": len(every),
    }
    if request.headers.get("HX-Request"):
        return render(request, "messages/campaign_rows.html", context)
    return render(request, "messages/campaigns.html", context)


@page(Permission.MESSAGES_VIEW)
def campaign(request: Request, id: int) -> HttpResponse:
    """One campaign."""
    conn = database.here()
    found = one(conn, id)
    later = reports.many(conn, found) and not reports.kept([found])
    context = {
        **({"later": True, "campaign": found} if later else _live(conn, found)),
        **head(conn, found),
        "tabs": room.tabs(conn, "campaigns"),
        "crumbs": [(found.name[:80], "")],
        "plan": found.plan,
        "complaints": campaigns.complaints(conn, [found.id], now=clock.now()).get(found.id),
    }
    return render(request, "messages/campaign.html", context)


@page(Permission.MESSAGES_VIEW)
def progress(request: Request, id: int) -> HttpResponse:
    """How far it is; the page asks for it while the campaign runs."""
    conn = database.here()
    return render(request, "messages/campaign_live.html", _live(conn, one(conn, id)))


@page(Permission.MESSAGES_VIEW)
def past(request: Request) -> HttpResponse:
    """Campaigns of other systems, as the log holds them."""
    found: list[Past] | None = cache.get(PAST)
    if found is None:
        found = campaigns.past(database.here())
        cache.set(PAST, found, PAST_SECONDS)
    rows = [(each, share(each.redeemed)) for each in found]
    return render(request, "messages/past.html", {"past": rows})


def one(conn: Connection, id: int) -> Campaign:
    """The campaign. Raises Http404."""
    try:
        return campaigns.get(conn, room.small(id))
    except NotFound as missing:
        raise Http404(str(missing)) from missing


def head(conn: Connection, found: Campaign) -> dict[str, Any]:
    """What stands at the top of every page of one campaign."""
    return {
        "campaign": found,
        "state": words.CAMPAIGN_STATES[found.state],
        "tone": words.STATE_TONES.get(found.state, ""),
        "says": planning.sentence(conn, found.parsed),
    }


def share(value: Share | None) -> SafeString:
    """A share with its interval."""
    if value is None:
        return SafeString('<span class="faint">…</span>')
    if not value.n:
        return cells.quiet("")
    return format_html(
        '{} <small class="limits">{}</small>',
        words.percent(value.value),
        words.span(value.low, value.high),
    )


def gain(value: Gain | None) -> SafeString:
    """People gained with their interval."""
    if value is None:
        return cells.quiet("")
    return format_html(
        '{} <small class="limits">{}</small>',
        words.people(value.people),
        _range(value),
    )


def _range(value: Gain | None) -> str:
    if value is None:
        return ""
    low, high = words.people(value.low), words.people(value.high)
    return _("%(low)s to %(high)s") % {"low": low, "high": high}


def _live(conn: Connection, found: Campaign) -> dict[str, Any]:
    known = reports.kept([found]).get(found.id) if reports.many(conn, found) else None
    report = known or reports.fresh(conn, found, now=clock.now())
    begun = found.state != "draft"
    going = report.audience - (report.holdout.n if report.holdout else 0)
    return {
        "campaign": found,
        "report": report,
        "going": going,
        "dealt": going - report.waiting,
        "polling": found.state == "running",
        "begun": begun,
        "compared": comparing.compared(found, report) if begun else None,
        "held": comparing.held(found, report),
        "outcomes": comparing.outcomes(found, report),
        "gained": report.gained,
        "gained_words": words.people(report.gained.people) if report.gained else "",
        "gained_range": _range(report.gained),
        "by_chance": report.gained is not None and report.gained.low <= 0 <= report.gained.high,
        "people": reverse("campaign_people", args=[found.id]),
        "to_come": report.audience - report.ended,
    }


def _name(row: Row) -> SafeString:
    return format_html(
        '<a class="lead" href="{}"><bdi>{}</bdi></a> <small><bdi>{}</bdi></small>',
        reverse("campaign", args=[row.id]),
        row.campaign.name[:120],
        row.segment[:80],
    )


def _state(found: Campaign) -> SafeString:
    return cells.badge(
        words.CAMPAIGN_STATES.get(found.state, found.state),
        tone="danger" if found.trouble else words.STATE_TONES.get(found.state, ""),
    )


def _audience(row: Row) -> SafeString:
    if row.report is None:
        return SafeString('<span class="faint">…</span>')
    if not row.report.audience:
        return cells.quiet("")
    label = _("in the audience")
    figure = cells.figure(row.report.audience)
    return format_html('{} <small class="on-phone">{}</small>', figure, label)


def _handed(row: Row) -> SafeString:
    if row.report is None:
        return SafeString('<span class="faint">…</span>')
    handed = sum(arm.handed for arm in row.report.arms)
    return cells.figure(handed) if row.report.audience else cells.quiet("")


def _gained(row: Row) -> SafeString:
    if row.report is None:
        return SafeString('<span class="faint">…</span>')
    if row.report.gained is None:
        return cells.quiet("")
    label = _("gained")
    return format_html('{} <small class="on-phone">{}</small>', gain(row.report.gained), label)


def _has_goal(row: Row) -> bool:
    return row.report is None or bool(row.report.goal and row.report.audience)
