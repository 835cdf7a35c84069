"""The list of decisions, the anatomy of one, and its replay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from touchloop.console import database, views_saved
from touchloop.console.customers import person, sight, wording
from touchloop.console.customers.listing import Chip
from touchloop.console.customers.sight import Sight
from touchloop.console.customers.views import search
from touchloop.console.decisions import anatomy, records, words
from touchloop.console.decisions.records import Made, Wanted
from touchloop.console.offers.people import called
from touchloop.console.pages import Request, page
from touchloop.console.ui import cells
from touchloop.console.ui.tables import Column, Query, Table, respond
from touchloop.core.access import Permission
from touchloop.core.db import Connection
from touchloop.core.errors import NotFound
from touchloop.engage.decisions import api as decisions
from touchloop.engage.decisions.api import Anatomy
from touchloop.engage.offers import api as offers

ROWS = 50
WEIGHED = 20  # candidates on the page before all are asked for
HOLDOUTS = {
    "": gettext_lazy("Anybody"),
    "everything": gettext_lazy("Held out from all that sells"),
    "offer": gettext_lazy("Held out from an offer"),
    "none": gettext_lazy("Held out from nothing"),
}


@page(Permission.DECISIONS_VIEW)
def listed(request: Request) -> HttpResponse:
    """What was decided, the newest first."""
    conn, sees = database.here(), sight.of(request.actor)
    query = Query.of(request, COLUMNS)
    wanted = _wanted(request.GET)
    named = {each.id: each.name for each in offers.listing(conn=conn)}
    made, after = records.listing(conn, wanted, sees, after=query.after, limit=ROWS)
    people = called(conn, [each.customer_id for each in made], sees)
    table = Table(
        name="decisions",
        label=_("Decisions"),
        columns=COLUMNS,
        query=query,
        rows=[Row(each, people, named) for each in made],
        next=after,
        href=lambda row: reverse("decision", args=[row.id]),
        empty=SafeString(render_to_string("decisions/empty.html", {}, request)),
        nothing_fits=_("Nothing among the newest decisions. Take a filter away."),
        note=_("Only decisions about customers that your role sees are listed.")
        if sees.locations is not None
        else "",
    )
    context = {
        "table": table,
        "tabs": tabs("decisions"),
        "saved": views_saved.bar(request, "decisions", query),
        "chips": _chips(request.GET, wanted, named, _about(conn, wanted, sees)),
        "channels": [("", _("Any channel")), *channels(conn)],
        "offers": [("", _("Any offer")), *named.items()],
        "holdouts": HOLDOUTS.items(),
        "kept": [(key, value) for key, value in query.kept if key not in _FILTERS],
        "wanted": wanted,
    }
    return respond(request, "decisions/list.html", context)


@page(Permission.DECISIONS_VIEW)
def find(request: Request) -> HttpResponse:
    """Customers for choosing one, while a name is typed; `to` says on which page it is for."""
    words_ = (request.GET.get("q", "") or request.GET.get("who", "")).strip()[:200]
    to = "simulator" if request.GET.get("to") == "simulator" else "decisions"
    kept = [
        (key, value)
        for key, values in request.GET.lists()
        for value in values
        if key not in ("q", "who", "to", "customer", "after") and value
    ]
    found = [
        (row, f"{reverse(to)}?{urlencode([*kept, ('customer', row.id)])}")
        for row in (search(request.actor, words_, limit=8) if len(words_) > 1 else ())
    ]
    return render(request, "decisions/find.html", {"found": found, "words": words_})


@page(Permission.DECISIONS_VIEW)
def decision(request: Request, id: UUID) -> HttpResponse:
    """Everything that went into one decision."""
    return render(request, "decisions/decision.html", _laid(request, id))


@page(Permission.DECISIONS_VIEW)
def replay(request: Request, id: UUID) -> HttpResponse:
    """The decision made again from its inputs: the same answer, or the difference."""
    conn = database.here()
    made, again = _read(request, conn, id)
    compared = _compared(conn, made, again)
    if request.headers.get("HX-Request"):
        return render(request, "decisions/replay.html", {"replayed": compared})
    return render(request, "decisions/decision.html", {**_laid(request, id), "replayed": compared})


class Row:
    """A decision as the list shows it."""

    def __init__(self, made: Made, people: Mapping[int, str], named: Mapping[int, str]) -> None:
        self.made = made
        self.id = made.id
        self.name = people.get(made.customer_id, _("Customer %d") % made.customer_id)
        self.offers = [named.get(id, _("Offer %d") % id) for id in made.chosen]


def tabs(here: str) -> list[tuple[str, str, bool, None]]:
    """The pages of this room."""
    return [
        (_("Made"), reverse("decisions"), here == "decisions", None),
        (_("Simulator"), reverse("simulator"), here == "simulator", None),
        (_("Policy"), reverse("decision_policy"), here == "policy", None),
    ]


def channels(conn: Connection) -> list[tuple[str, str]]:
    """The channels where something happens or can be shown."""
    rows = conn.execute(
        "SELECT channel FROM touchpoints UNION SELECT channel FROM treatments ORDER BY 1 LIMIT 60"
    ).fetchall()
    return [(row[0], wording.channel(row[0])) for row in rows if row[0]]


def _read(request: Request, conn: Connection, id: UUID) -> tuple[Made, Anatomy]:
    """The decision as recorded and as made again. Raises Http404."""
    made = records.one(conn, id)
    if made is None:
        raise Http404(_("There is no decision of this number."))
    person.within_sight(conn, made.customer_id, sight.of(request.actor))
    try:
        return made, decisions.anatomy(conn, id)
    except NotFound as missing:
        raise Http404(str(missing)) from missing


def _laid(request: Request, id: UUID) -> dict[str, Any]:
    conn, sees = database.here(), sight.of(request.actor)
    made, found = _read(request, conn, id)
    name = called(conn, [made.customer_id], sees).get(made.customer_id, "")
    laid = anatomy.lay(conn, found, sees, most=None if "all" in request.GET else WEIGHED)
    settings = anatomy.settings_of(conn, found.decision.policy_version)
    named = {each.offer_id: each.name for each in found.candidates}
    facts = found.facts
    return {
        "made": made,
        "name": name,
        "laid": laid,
        "found": found,
        "place": place_words(made.channel, made.location, made.placement),
        "known": anatomy.known(conn, found, sees),
        "answers": [
            (named.get(offer, _("Offer %d") % offer), reverse("offer", args=[offer]),
             words.ANSWERS.get(outcome, ""), words.TONES.get(outcome, ""), at,
             wording.channel(channel) if channel else "")
            for offer, outcome, at, channel in records.answers(conn, id)
        ],
        "policy_at": settings["at"],
        "crumbs": [(_("Decision"), "")],
        "json": {
            "id": str(id), "at": found.decision.at.isoformat(), "channel": facts.channel,
            "location": facts.location, "placement": facts.placement, "limit": facts.limit,
            "context": sees.masked(facts.context), "traits": sees.masked(facts.traits),
            "segments": list(facts.members), "draw": facts.draw,
            "offers": [
                {"offer": each.offer, "priority": each.priority, "propensity": each.propensity,
                 "weight": each.weight, "value": each.value, "lever": each.lever,
                 "probability": each.probability}
                for each in found.decision.offers
            ],
            "held": [{"offer": each.offer, "stage": each.stage} for each in found.decision.held],
            "holdout": found.decision.holdout, "explored": found.decision.explored,
            "book": found.decision.book_id, "policy": found.decision.policy_version,
            "model": found.decision.model_version,
        },
    }  # fmt: skip


def place_words(channel: str, location: str, placement: str) -> str:
    """Where it was: Store 330, receipt."""
    said = " ".join(filter(None, (wording.channel(channel), location)))
    return f"{said}, {placement}" if placement else said


def _compared(conn: Connection, made: Made, again: Anatomy) -> dict[str, Any]:
    """What was answered beside what the inputs give now."""
    then = list(zip(made.chosen, records.probabilities(conn, made.id), strict=True))
    now = [(each.offer_id, each.probability) for each in again.decision.offers]
    named = {each.offer_id: each.name for each in again.candidates}
    rows = []
    for rank in range(max(len(then), len(now))):
        was, is_ = (side[rank] if rank < len(side) else None for side in (then, now))
        rows.append((rank + 1, *(_said(each, named) for each in (was, is_)), was == is_))
    return {"same": then == now, "rows": rows}


def _said(each: tuple[int, float] | None, named: Mapping[int, str]) -> str:
    if each is None:
        return _("nothing")
    return f"{named.get(each[0], _('Offer %d') % each[0])} · {each[1]:.3g}"


def _wanted(asked: Mapping[str, str]) -> Wanted:
    return Wanted(
        channel=asked.get("channel", "").replace("\0", "")[:60],
        location=asked.get("location", "").replace("\0", "")[:200],
        offer=_whole(asked.get("offer", ""), most=2**31),
        customer=_whole(asked.get("customer", ""), most=2**63),
        holdout=asked.get("holdout", "") if asked.get("holdout", "") in HOLDOUTS else "",
    )


def _whole(text: str, *, most: int) -> int | None:
    if not text.isascii() or not text.isdigit() or len(text) > 19 or int(text) >= most:
        return None
    return int(text)


def _about(conn: Connection, wanted: Wanted, sees: Sight) -> dict[int, str]:
    """What the customer of the filter is called, if the reader may know it."""
    if wanted.customer is None or not sight.covers(sees, conn, wanted.customer):
        return {}
    return called(conn, [wanted.customer], sees)


def _chips(
    asked: Mapping[str, str],
    wanted: Wanted,
    named: Mapping[int, str],
    people: Mapping[int, str],
) -> list[Chip]:
    """The filters that are on, in words, each with the address that takes it away."""
    said = {
        "channel": wording.channel(wanted.channel) if wanted.channel else "",
        "location": _("At %s") % wanted.location if wanted.location else "",
        "offer": _("Proposed “%s”") % named.get(wanted.offer, wanted.offer) if wanted.offer else "",
        "customer": _("About %s") % people.get(wanted.customer, wanted.customer)
        if wanted.customer
        else "",
        "holdout": str(HOLDOUTS[wanted.holdout]) if wanted.holdout else "",
    }
    kept = [(key, value) for key, value in asked.items() if key != "after" and value]
    return [
        Chip(text[:120], f"{reverse('decisions')}?{urlencode([p for p in kept if p[0] != key])}")
        for key, text in said.items()
        if text
    ]


_FILTERS = ("channel", "location", "offer", "holdout", "customer")


def _customer(row: Row) -> SafeString:
    return format_html(
        '<a class="lead" href="{}"><bdi>{}</bdi></a>', reverse("decision", args=[row.id]), row.name
    )


def _offers(row: Row) -> SafeString:
    if not row.offers:
        return cells.quiet(_("nothing"))
    more = len(row.offers) - 2
    shown = format_html_join(", ", "<bdi>{}</bdi>", ((name[:60],) for name in row.offers[:2]))
    return (
        format_html("{} <small>{}</small>", shown, _("and %d more") % more) if more > 0 else shown
    )


def _answers(row: Row) -> SafeString:
    """The strongest answer; that it was shown says least."""
    if not row.made.answers:
        return cells.quiet("")
    strongest = next(code for code in (2, 3, 4, 1) if code in row.made.answers)
    return cells.badge(words.ANSWERS[strongest], tone=words.TONES[strongest])


def _held_out(row: Row) -> SafeString:
    said = {"everything": _("from all"), "offer": _("from an offer")}
    text = said.get(row.made.held_out)
    return cells.badge(text) if text else cells.quiet("")


COLUMNS = (
    Column("name", gettext_lazy("Customer"), cell=_customer),
    Column("offers", gettext_lazy("Proposed"), cell=_offers, wrap=True),
    Column(
        "place",
        gettext_lazy("Place"),
        minor=True,
        cell=lambda row: cells.text(
            place_words(row.made.channel, row.made.location, row.made.placement)
        ),
    ),
    Column("answer", gettext_lazy("Came of it"), cell=_answers),
    Column("held", gettext_lazy("Held out"), minor=True, cell=_held_out),
    Column(
        "at", pgettext_lazy("moment", "When"), end=True, cell=lambda row: cells.when(row.made.at)
    ),
)
