"""The list of cases: which are asked for by the address, and how a row reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.http import QueryDict
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from touchloop.console.cases import whom, words
from touchloop.console.cases.whom import Whom
from touchloop.console.ui import cells
from touchloop.console.ui.tables import Column
from touchloop.records.cases.api import KINDS, Case, Filter

UNFINISHED = ("open", "waiting")
SHOWS: Mapping[str, str | Promise] = {
    "": gettext_lazy("Open"),
    "mine": gettext_lazy("Mine"),
    "unassigned": gettext_lazy("Unassigned"),
    "overdue": gettext_lazy("Overdue"),
    "waiting": gettext_lazy("Waiting"),
    "closed": gettext_lazy("Closed"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A case with what its columns say."""

    id: int
    case: Case
    customer: Whom | None
    owner: str
    place: str
    simulated: bool
    now: datetime


def wanted(asked: QueryDict, *, actor_id: int, now: datetime, show: str | None = None) -> Filter:
    """The filter that an address describes; with `show`, as if that chip were chosen."""
    chosen = asked.get("show", "") if show is None else show
    kinds = tuple(kind for kind in asked.getlist("kind") if kind in KINDS)
    words_ = asked.get("q", "").replace("\0", "").strip()[:200]
    customer = asked.get("customer", "")
    states = {"": UNFINISHED, "overdue": ("open",), "waiting": ("waiting",), "closed": ("closed",)}
    return Filter(
        states=states.get(chosen, UNFINISHED),
        kinds=kinds,
        owner_id=actor_id if chosen == "mine" else None,
        unowned=chosen == "unassigned",
        overdue_at=now if chosen == "overdue" else None,
        customer_id=int(customer) if customer.isdigit() and len(customer) < 18 else None,
        words=words_,
    )


def offset(after: str) -> int:
    """Where in the list the next rows begin."""
    return int(after) if after.isdigit() and len(after) < 8 else 0


def _title(row: Row) -> SafeString:
    mark = cells.badge(_("simulated"), hatched=True) if row.simulated else ""
    name = row.customer.name if row.customer else _("somebody we do not know")
    return format_html(
        '<a class="lead" href="{}"><bdi>{}</bdi></a> {}<br><small><bdi>{}</bdi></small>',
        reverse("case", args=[row.id]),
        row.case.title[:120],
        mark,
        name[:80],
    )


def _owner(row: Row) -> SafeString:
    return cells.text(row.owner) if row.owner else cells.quiet(_("nobody"))


COLUMNS = (
    Column("title", gettext_lazy("Case"), cell=_title, wrap=True),
    Column("due", gettext_lazy("Clock"), cell=lambda row: words.clock_cell(row.case, row.now)),
    Column("kind", gettext_lazy("Kind"), cell=lambda row: words.kind_badge(row.case)),
    Column("state", gettext_lazy("State"), cell=lambda row: words.state_badge(row.case)),
    Column("owner", gettext_lazy("Owner"), cell=_owner),
    Column("place", gettext_lazy("Where"), cell=lambda row: cells.quiet(row.place), minor=True),
    Column(
        "opened",
        gettext_lazy("Opened"),
        minor=True,
        end=True,
        cell=lambda row: cells.when(row.case.opened_at),
    ),
    Column(
        "customer",
        gettext_lazy("Customer"),
        minor=True,
        hidden=True,
        cell=lambda row: whom.cell(row.customer),
    ),
)
