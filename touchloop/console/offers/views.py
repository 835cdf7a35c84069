"""The list of offers, and the page of one: whom it is for, how it looks, what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from touchloop.console import database, organisation, views_saved
from touchloop.console.customers import sight, wording
from touchloop.console.offers import figures, performance, words
from touchloop.console.offers.figures import Figures
from touchloop.console.pages import Request, page
from touchloop.console.segments.names import segment_names
from touchloop.console.ui import cells
from touchloop.console.ui import words as written
from touchloop.console.ui.tables import Column, Query, Table, respond
from touchloop.core import clock
from touchloop.core.access import Permission
from touchloop.core.accounts.models import Staff
from touchloop.core.db import Connection
from touchloop.core.errors import NotFound
from touchloop.engage.offers import api as offers
from touchloop.engage.offers.api import Offer

ROWS = 50


@dataclass(frozen=True, slots=True)
class Listed:
    """An offer as the list shows it."""

    offer: Offer
    state: str
    figures: Figures

    @property
    def id(self) -> int:
        return self.offer.id


@page(Permission.OFFERS_VIEW)
def listed(request: Request) -> HttpResponse:
    """Every offer, or those that fit the filter."""
    query = Query.of(request, COLUMNS, default="-shown")
    conn, now = database.here(), clock.now()
    every = offers.listing(conn=conn)
    states = {each.id: words.state_of(each, now) for each in every}
    fitting = [each for each in every if _fits(each, states[each.id], request.GET)]
    found = figures.of_offers(conn, [each.id for each in fitting])
    rows = [Listed(each, states[each.id], found[each.id]) for each in fitting]
    rows.sort(key=lambda row: (_SORTS[query.sort](row), -row.id), reverse=query.descending)
    start = next((n + 1 for n, row in enumerate(rows) if str(row.id) == query.after), 0)
    shown = rows[start : start + ROWS]
    table = Table(
        name="offers",
        label=_("Offers"),
        columns=COLUMNS,
        query=query,
        rows=shown,
        next=str(shown[-1].id) if start + ROWS < len(rows) else "",
        href=lambda row: reverse("offer", args=[row.id]),
        empty=SafeString(render_to_string("offers/empty.html", {}, request)),
        nothing_fits=_("Take a filter away, or search by another word."),
        note=_("Rate: of the showings, how many were taken, with its 95 % interval."
               " Gained: people who reached the goal because of the offer, against its holdout."),
    )  # fmt: skip
    context = {
        "table": table,
        "saved": views_saved.bar(request, "offers", query),
        "states": [
            (name, label, sum(state == name for state in states.values()))
            for name, label in words.STATES.items()
        ],
        "total": len(every),
        "channels": _channels(every),
        "kinds": [("", _("Any kind")), *words.KINDS.items()],
        "kept": [pair for pair in query.kept if pair[0] not in ("q", "channel", "kind")],
        "sort": ("-" if query.descending else "") + query.sort,
    }
    return respond(request, "offers/list.html", context)


@page(Permission.OFFERS_VIEW)
def offer(request: Request, id: int) -> HttpResponse:
    """Whom it is for, how it looks, what came of it."""
    conn = database.here()
    found = one(conn, id)
    context = {
        **head(request, conn, found, "offer"),
        "policies": words.policies(found, segment_names()),
        "treatments": [
            (words.where(each), *_preview(each.texts), each) for each in found.treatments
        ],
        "performance": performance.of(conn, found),
        "money": wording.money(found.value, organisation.current().currency),
        "validity": words.validity(found),
        "sees": sight.of(request.actor),
    }  # fmt: skip
    return render(request, "offers/offer.html", context)


@page(Permission.OFFERS_VIEW)
def versions(request: Request, id: int) -> HttpResponse:
    """What it said before, the newest first, each with what had changed."""
    conn = database.here()
    found = one(conn, id)
    past = offers.versions(id, conn=conn)
    names = segment_names()
    staff = dict(
        Staff.objects.filter(id__in={each.actor_id for each in past}).values_list("id", "name")
    )
    rows = []
    for n, each in enumerate(past):
        before = past[n + 1] if n + 1 < len(past) else None
        changed = before and words.changes(
            offers.read(before.definition),
            offers.read(each.definition),
            names=(before.name, each.name),
            segments=names,
        )
        rows.append((each, staff.get(each.actor_id or 0, ""), changed))
    context = {
        **head(request, conn, found, "versions"),
        "versions": rows,
        "definition": offers.write(found.definition()),
    }
    return render(request, "offers/versions.html", context)


def one(conn: Connection, id: int) -> Offer:
    """The offer. Raises Http404."""
    try:
        return offers.get(id, conn=conn)
    except NotFound as missing:
        raise Http404(str(missing)) from missing


def head(request: Request, conn: Connection, found: Offer, here: str) -> dict[str, Any]:
    """What every page of one offer shows."""
    state = words.state_of(found, clock.now())
    return {
        "offer": found,
        "state": state,
        "state_word": words.STATES[state],
        "tone": words.TONES[state],
        "kind": words.KINDS[found.kind],
        "crumbs": [(_("Offer"), "")],
        "tabs": [
            (_("Offer"), reverse("offer", args=[found.id]), here == "offer", None),
            (_("Customers"), reverse("offer_customers", args=[found.id]), here == "customers",
             None),
            (_("Versions"), reverse("offer_versions", args=[found.id]), here == "versions",
             found.version),
        ],
    }  # fmt: skip


def _preview(texts: Mapping[str, str]) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """The words that have a place of their own in the preview, and the others."""
    known = {name: texts.get(name, "") for name in ("title", "text", "button")}
    return known, [(name, text) for name, text in texts.items() if name not in known]


def _fits(each: Offer, state: str, asked: Mapping[str, str]) -> bool:
    sought = asked.get("q", "").casefold().split()
    said = f"{each.name} {each.slug} {each.topic} {each.sentence}".casefold()
    channel = asked.get("channel", "")
    return (
        asked.get("state", "") in ("", state)
        and asked.get("kind", "") in ("", each.kind)
        and (not channel or any(one.channel == channel for one in each.treatments))
        and all(word in said for word in sought)
    )


def _channels(every: Sequence[Offer]) -> list[tuple[str, str]]:
    used = sorted({one.channel for each in every for one in each.treatments})
    return [("", _("Any channel")), *((name, wording.channel(name)) for name in used)]


def _name(row: Listed) -> SafeString:
    return format_html(
        '<a class="lead" href="{}"><bdi>{}</bdi></a><br><small><bdi>{}</bdi></small>',
        reverse("offer", args=[row.id]),
        row.offer.name[:120],
        row.offer.sentence[:160],
    )


def _behind(row: Listed, which: str, figure: object) -> SafeString:
    """A figure that leads to its customers."""
    href = f"{reverse('offer_customers', args=[row.id])}?which={which}"
    return format_html('<a href="{}">{}</a>', href, figure)


def _rate(row: Listed) -> SafeString:
    share = row.figures.rate
    if not share.n:
        return cells.quiet("")
    return _behind(row, "accepted", words.rate(share))


def _gained(row: Listed) -> SafeString:
    gain = row.figures.gain
    if gain is None:
        return cells.quiet(_("no holdout") if not row.offer.holdout else _("nobody yet"))
    return _behind(row, "offered", words.gained(gain))


def _updated(row: Listed) -> datetime:
    return row.offer.updated_at


COLUMNS = (
    Column("name", gettext_lazy("Offer"), cell=_name, sorts=True, wrap=True),
    Column(
        "state",
        gettext_lazy("State"),
        cell=lambda row: cells.badge(words.STATES[row.state], tone=words.TONES[row.state]),
    ),
    Column(
        "kind",
        gettext_lazy("Kind"),
        minor=True,
        hidden=True,
        cell=lambda row: cells.quiet(words.KINDS[row.offer.kind]),
    ),
    Column(
        "channels",
        gettext_lazy("Channels"),
        minor=True,
        hidden=True,
        cell=lambda row: cells.quiet(
            ", ".join(dict.fromkeys(wording.channel(one.channel) for one in row.offer.treatments))
        ),
    ),
    Column(
        "shown",
        gettext_lazy("Shown"),
        sorts=True,
        end=True,
        minor=True,
        cell=lambda row: _behind(row, "shown", written.figure(row.figures.shown)),
    ),
    Column(
        "taken",
        gettext_lazy("Taken"),
        sorts=True,
        end=True,
        minor=True,
        cell=lambda row: _behind(row, "accepted", written.figure(row.figures.taken)),
    ),
    Column("rate", gettext_lazy("Rate"), sorts=True, end=True, cell=_rate),
    Column("gained", gettext_lazy("People gained"), sorts=True, end=True, cell=_gained, minor=True),
    Column(
        "holdout",
        gettext_lazy("Holdout"),
        end=True,
        minor=True,
        cell=lambda row: cells.quiet(
            written.percent(row.offer.holdout) if row.offer.holdout else ""
        ),
    ),
    Column(
        "updated",
        gettext_lazy("Changed"),
        sorts=True,
        end=True,
        minor=True,
        hidden=True,
        cell=lambda row: cells.when(_updated(row)),
    ),
)
_SORTS: dict[str, Any] = {
    "name": lambda row: row.offer.name.lower(),
    "shown": lambda row: row.figures.shown,
    "taken": lambda row: row.figures.taken,
    "rate": lambda row: row.figures.rate.value,
    "gained": lambda row: row.figures.gain.people if row.figures.gain else float("-inf"),
    "updated": _updated,
}
