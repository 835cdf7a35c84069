"""What every page of one segment shows, and lists of customers that figures lead to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import Http404
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from touchloop.console.customers import listing, sight
from touchloop.console.customers.sight import Sight
from touchloop.console.pages import Request
from touchloop.console.segments import words
from touchloop.console.ui.tables import Column, Query, Table
from touchloop.core.db import Connection
from touchloop.core.errors import NotFound
from touchloop.insight.segments import api as segments
from touchloop.insight.segments.api import Segment
from touchloop.profiles import api as profiles

ROWS = 50

NAME = Column(
    "name",
    gettext_lazy("Customer"),
    cell=lambda row: format_html(
        '<a class="lead" href="{}"><bdi>{}</bdi></a>', row["url"], row["name"]
    ),
)
CUSTOMERS = (NAME,)


def one(conn: Connection, id: int) -> Segment:
    """The segment. Raises Http404."""
    try:
        return segments.get(id, conn=conn)
    except NotFound as missing:
        raise Http404(str(missing)) from missing


def head(conn: Connection, found: Segment, here: str) -> dict[str, Any]:
    """Name, state, purpose, tabs."""
    plans = {plan.act: plan for plan in segments.schedules(conn, found.id)}
    state, tone = words.STATES.get(found.state, found.state), words.TONES.get(found.state, "")
    refresh = plans.get("refresh")
    if refresh and found.state != "live":
        state, tone = _("daily at %s") % refresh.at.strftime("%H:%M"), "record"

    def tab(label: str, name: str, count: int | None = None) -> tuple[str, str, bool, int | None]:
        return label, reverse(name, args=[found.id]), here == name, count

    return {
        "segment": found,
        "state": state,
        "tone": tone,
        "purpose": words.PURPOSES.get(found.purpose, found.purpose),
        "refresh": refresh,
        "planned_export": plans.get("export"),
        "tabs": [
            tab(_("Members"), "segment", found.members),
            tab(_("Came and went"), "segment_moves"),
            tab(_("What sets it apart"), "segment_apart"),
            tab(_("Lookalikes"), "segment_alike"),
            tab(_("Why?"), "segment_why_find"),
            tab(_("Rule"), "segment_rule"),
        ],
    }


def called(named: profiles.Named, sees: Sight) -> str:
    """What a customer is called on a list."""
    return listing.called(named.display_name, named.leader, named.id, sees)


def visible(conn: Connection, customer_id: int, sees: Sight) -> bool:
    """Whether the reader's scope covers the customer."""
    return sees.locations is None or sight.covers(sees, conn, customer_id)


def customers_table(
    request: Request,
    conn: Connection,
    ids: Sequence[int],
    *,
    label: str,
    empty: str,
    columns: tuple[Column, ...] = CUSTOMERS,
    more: dict[int, dict[str, Any]] | None = None,
) -> Table:
    """A page of customers: `ids` in their order, one more than ROWS when others follow.

    The next page is asked for by the number of the last customer; `more` adds to rows by number.
    """
    sees = sight.of(request.actor)
    shown = ids[:ROWS]
    named = profiles.names(conn, list(shown))
    rows = [
        {
            "id": id,
            "name": called(named[id], sees),
            "url": reverse("customer", args=[id]),
            **(more or {}).get(id, {}),
        }
        for id in shown
        if id in named and visible(conn, id, sees)
    ]
    return Table(
        name="customers",
        label=label,
        columns=columns,
        query=Query.of(request, columns),
        rows=rows,
        next=str(shown[-1]) if len(ids) > ROWS else "",
        row_id=lambda row: row["id"],
        href=lambda row: row["url"],
        empty=empty,
        note=_("Only the customers that your role sees are listed.") if sees.locations else "",
    )


def after(request: Request) -> int:
    """The number of the customer after whom the next page begins."""
    given = request.GET.get("after", "")
    return int(given) if given.isdecimal() and len(given) < 19 else 0
