"""The customers behind an offer's figures: who answered what, who stands on which side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from touchloop.console import database
from touchloop.console.customers import listing, sight, wording
from touchloop.console.customers.sight import Sight
from touchloop.console.offers import views, words
from touchloop.console.pages import Request, page
from touchloop.console.ui import cells
from touchloop.console.ui.tables import Column, Query, Table, respond
from touchloop.core.access import Permission
from touchloop.core.db import Connection
from touchloop.engage.decisions import api as decisions
from touchloop.engage.offers.api import Offer
from touchloop.profiles import api as profiles

ROWS = 50
SIDES = {
    "offered": gettext_lazy("Could get it"),
    "held": gettext_lazy("Held out"),
}


@dataclass(frozen=True, slots=True)
class Person:
    """One row: a customer, what happened, and the decision that proposed it."""

    customer_id: int
    name: str
    at: datetime
    what: str
    channel: str
    decision: UUID | None
    key: str


@page(Permission.OFFERS_VIEW)
def behind(request: Request, id: int) -> HttpResponse:
    """Customers by answer, or by side of the holdout."""
    conn, sees = database.here(), sight.of(request.actor)
    found = views.one(conn, id)
    which = request.GET.get("which", "shown")
    which = which if which in words.ANSWERS or which in SIDES else "shown"
    reached = request.GET.get("reached") == "1" and which in SIDES
    query = Query.of(request, COLUMNS)
    rows = _people(conn, found, which, sees, after=query.after, reached=reached)
    table = Table(
        name="offer-customers",
        label=_("Customers"),
        columns=COLUMNS,
        query=query,
        rows=rows[:ROWS],
        next=rows[ROWS - 1].key if len(rows) > ROWS else "",
        row_id=lambda row: row.customer_id,
        href=lambda row: reverse("customer", args=[row.customer_id]),
        nothing_fits=_("Nobody yet, or nobody that your role sees."),
        empty=_("Nobody yet."),
        note=_("Only the customers that your role sees are listed.") if sees.locations else "",
    )
    context = {
        **views.head(request, conn, found, "customers"),
        "table": table,
        "which": which,
        "reached": reached,
        "choices": [*words.ANSWERS.items(), *(SIDES.items() if found.holdout else ())],
        "side": which in SIDES,
    }
    return respond(request, "offers/customers.html", context)


def in_sight(conn: Connection, sees: Sight) -> dict[str, Any]:
    """Parameters of `IN_SIGHT`."""
    places = sight.touchpoints(sees, conn)
    return {"everywhere": places is None, "places": places or []}


# A condition on `i.customer_id`: a reader who is confined to places sees who was there.
IN_SIGHT = """
(%(everywhere)s OR EXISTS (
  SELECT FROM identifiers k JOIN visits v ON v.subject_id = k.id
  WHERE k.customer_id = i.customer_id AND v.touchpoint_id = ANY(%(places)s::int[])))
"""


def called(conn: Connection, ids: Sequence[int], sees: Sight) -> dict[int, str]:
    """What these customers are called, for this reader."""
    named = profiles.names(conn, sorted(set(ids)))
    return {
        id: listing.called(each.display_name, each.leader, each.id, sees)
        for id, each in named.items()
    }


def place_of(key: str) -> tuple[datetime, int] | None:
    """The place in a list that `after` names: an instant and a number."""
    at, tilde, number = key.partition("~")
    if not tilde or not number.isdigit() or len(number) > 18:
        return None
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return None
    return (moment, int(number)) if moment.tzinfo else None


def _people(
    conn: Connection, offer: Offer, which: str, sees: Sight, *, after: str, reached: bool
) -> list[Person]:
    at, number = place_of(after) or (None, None)
    wanted = {
        "offer": offer.id,
        "outcome": decisions.WORDS.get(which, 0),
        "held": which == "held",
        "reached": reached,
        "at": at,
        "number": number,
        "limit": ROWS + 1,
        **in_sight(conn, sees),
    }
    rows = conn.execute(_SIDE if which in SIDES else _ANSWERED, wanted).fetchall()
    named = called(conn, [row[0] for row in rows], sees)
    return [
        Person(
            row[0],
            named.get(row[0], _("Customer %d") % row[0]),
            row[1],
            _what(offer, which, row[4]),
            row[2],
            row[3],
            f"{row[1].isoformat()}~{row[5]}",
        )
        for row in rows
    ]


def _what(offer: Offer, which: str, reached: datetime | None) -> str:
    if which in words.ANSWERS:
        return str(words.ANSWERS[which])
    return _("then: %s") % offer.goal if reached else _("not yet: %s") % offer.goal


def _decision(row: Person) -> SafeString:
    if row.decision is None:
        return cells.quiet("")
    href = reverse("decision", args=[row.decision])
    return format_html('<a class="quiet" href="{}">{}</a>', href, _("why?"))


COLUMNS = (
    Column(
        "name",
        gettext_lazy("Customer"),
        cell=lambda row: format_html(
            '<a class="lead" href="{}"><bdi>{}</bdi></a>',
            reverse("customer", args=[row.customer_id]),
            row.name,
        ),
    ),
    Column("what", gettext_lazy("What"), cell=lambda row: cells.text(row.what)),
    Column(
        "channel",
        gettext_lazy("Channel"),
        minor=True,
        cell=lambda row: cells.quiet(wording.channel(row.channel) if row.channel else ""),
    ),
    Column("decision", gettext_lazy("Decision"), minor=True, cell=_decision),
    Column("at", pgettext_lazy("moment", "When"), end=True, cell=lambda row: cells.when(row.at)),
)

_ANSWERED = f"""
SELECT i.customer_id, o.at, o.channel, o.decision_id, NULL, o.id
FROM offer_outcomes o JOIN identifiers i ON i.id = o.subject_id
WHERE o.offer_id = %(offer)s AND o.outcome = %(outcome)s
  AND (%(at)s::timestamptz IS NULL OR (o.at, o.id) < (%(at)s::timestamptz, %(number)s::bigint))
  AND {IN_SIGHT}
ORDER BY o.at DESC, o.id DESC LIMIT %(limit)s
""".encode()
_SIDE = f"""
SELECT i.customer_id, e.at, '', NULL::uuid, e.reached_at, e.subject_id
FROM offer_exposures e JOIN identifiers i ON i.id = e.subject_id
WHERE e.offer_id = %(offer)s AND e.held = %(held)s
  AND (NOT %(reached)s OR e.reached_at IS NOT NULL)
  AND (%(at)s::timestamptz IS NULL
       OR (e.at, e.subject_id) < (%(at)s::timestamptz, %(number)s::bigint))
  AND {IN_SIGHT}
ORDER BY e.at DESC, e.subject_id DESC LIMIT %(limit)s
""".encode()
