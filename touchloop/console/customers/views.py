"""The list of customers and the search in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from touchloop.console import database, organisation, views_saved
from touchloop.console.customers import listing, sight, wording
from touchloop.console.customers.sight import Sight
from touchloop.console.pages import Request, page
from touchloop.console.segments.names import segment_names
from touchloop.console.ui import words as written
from touchloop.console.ui.tables import Query, Table, respond
from touchloop.core import access
from touchloop.core.access import Actor, Permission
from touchloop.core.errors import Invalid, Unavailable
from touchloop.profiles import api as profiles
from touchloop.profiles.api import Filter, Match

ROWS = 50
FOUND = 40


@page(Permission.CUSTOMERS_VIEW)
def customers(request: Request) -> HttpResponse:
    """Everybody the reader may see, or those who fit the filter or the words."""
    sees = sight.of(request.actor)
    conn = database.here()
    segments = segment_names()
    house = organisation.current()
    traits = profiles.traits_in_use(conn)
    columns = listing.columns(sees, currency=house.currency, traits=traits)
    query = Query.of(request, columns, default="-seen")
    words = request.GET.get("q", "").strip()[:200]
    context: dict[str, Any] = {
        "words": words,
        "sees": sees,
        "chips": listing.chips(request.GET, sees, segments=segments),
        "segments": [("", _("Any segment")), *sorted(segments.items(), key=lambda s: s[1].lower())],
        "stages": [(stage, wording.stage(stage)) for stage in listing.STAGES],
        "stages_on": request.GET.getlist("stage"),
        "kept": [
            *(
                ("trait", f"{name}={value}")
                for name, value in listing.traits_asked(request.GET, sees)
            ),
            *(("columns", key) for key in query.columns),
            ("sort", ("-" if query.descending else "") + query.sort),
        ],
        "traits": [name for name in traits if sees.shows_trait(name)],
        "saved": views_saved.bar(request, "customers", query),
        "confined": sees.locations,
    }
    if words:
        context["found"] = search(request.actor, words, limit=FOUND)
        return render(request, "customers/list.html", context)
    try:
        wanted = listing.wanted(request.GET, sees, segments=segments)
        order = ("-" if query.descending else "") + query.sort
        found = profiles.listing(
            conn,
            wanted,
            order=order,
            after=query.after,
            limit=ROWS,
            traits=listing.traits_shown(query.columns),
        )
    except Invalid as wrong:
        return render(request, "customers/list.html", {**context, "wrong": wrong.message})
    except Unavailable:
        return render(request, "customers/list.html", {**context, "slow": True}, status=503)
    context["table"] = Table(
        name="customers",
        label=_("Customers"),
        columns=columns,
        query=query,
        rows=found.rows,
        next=found.after or "",
        href=lambda row: reverse("customer", args=[row.id]),
        note=_how_many(request, wanted, found, query),
        empty=_nobody(request, sees),
        nothing_fits=_("Take a filter away, or search by name, e-mail, phone or card."),
    )
    return respond(request, "customers/list.html", context)


@page(Permission.CUSTOMERS_VIEW)
def count(request: Request) -> HttpResponse:
    """How many fit the filter, for the foot of the list."""
    sees = sight.of(request.actor)
    try:
        wanted = listing.wanted(request.GET, sees, segments=segment_names())
        number = profiles.count(database.here(), wanted)
    except (Invalid, Unavailable):
        return HttpResponse(_("Too many to count here"))
    return HttpResponse(_counted(number))


@page(Permission.CUSTOMERS_VIEW)
def locations(request: Request) -> HttpResponse:
    """Where customers came, for choosing from; a reader who is confined sees the own places."""
    sees = sight.of(request.actor)
    found = profiles.known_locations(database.here(), limit=500)
    seen = [place for place in found if sees.locations is None or place[0] in sees.locations]
    return render(request, "customers/locations.html", {"locations": seen})


def search(actor: Actor, words: str, *, limit: int) -> Sequence[Row]:
    """Customers by any identifier or name, as this person may find them."""
    if not access.allows(actor, Permission.CUSTOMERS_VIEW):
        return ()
    sees, conn = sight.of(actor), database.here()
    found = profiles.find(
        conn, words, limit=limit, only_at=sight.touchpoints(sees, conn), namespaces=sees.namespaces
    )
    return [_row(match, sees) for match in found]


@dataclass(frozen=True, slots=True)
class Row:
    """A customer that was found, as it is shown."""

    id: int
    name: str
    url: str
    stage: str
    last_seen_at: datetime | None
    by: str
    value: str

    @property
    def matched(self) -> str:
        """By what it was found, on one line."""
        return f"{self.by}: {self.value}"


def _row(match: Match, sees: Sight) -> Row:
    return Row(
        id=match.id,
        name=listing.called(match.display_name, match.leader, match.id, sees),
        url=reverse("customer", args=[match.id]),
        stage=wording.stage(match.stage),
        last_seen_at=match.last_seen_at,
        by=wording.namespace(match.namespace) if match.namespace else _("Name"),
        value=match.value if match.namespace else match.display_name,
    )


def _how_many(
    request: Request, wanted: Filter, found: profiles.Page, query: Query
) -> str | SafeString:
    if not found.after and not query.after:
        return _counted(profiles.Count(len(found.rows), exact=True))
    if not wanted.narrows:
        return _counted(profiles.count(database.here(), wanted))
    return format_html(
        '<span hx-get="{}?{}" hx-trigger="load" hx-swap="innerHTML">{}</span>',
        reverse("customers_count"),
        request.GET.urlencode(),
        _("Counting…"),
    )


def _counted(number: profiles.Count) -> str:
    figure = written.figure(number.n)
    if number.at_least:
        return _("More than %s customers") % figure
    if not number.exact:
        return _("About %s customers") % figure
    return _("One customer") if number.n == 1 else _("%s customers") % figure


def _nobody(request: Request, sees: Sight) -> SafeString:
    from django.template.loader import render_to_string

    return SafeString(render_to_string("customers/empty.html", {"sees": sees}, request))
