"""The customers behind the figures of a campaign."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, LiteralString

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from touchloop.console import database
from touchloop.console.customers import sight
from touchloop.console.messages import campaigns, room, words
from touchloop.console.pages import Request, page
from touchloop.console.ui import cells
from touchloop.console.ui.tables import Column, Query, Table, respond
from touchloop.core.access import Permission
from touchloop.core.db import Connection
from touchloop.engage.campaigns.api import Campaign

ROWS = 50


@dataclass(frozen=True, slots=True)
class Member:
    """One customer of a campaign."""

    id: int
    name: str
    url: str
    variant: str
    state: str
    reason: str
    delivery_id: int | None
    outcome: str


COLUMNS = (
    Column("name", gettext_lazy("Customer"), cell=lambda row: cells.lead(row.name, row.url)),
    Column("variant", gettext_lazy("Variant"), cell=lambda row: cells.text(row.variant)),
    Column("state", gettext_lazy("Where it is"), cell=lambda row: _state(row)),
    Column("reason", gettext_lazy("Why"), wrap=True, cell=lambda row: cells.quiet(_reason(row))),
    Column("delivery", gettext_lazy("Message"), end=True, cell=lambda row: _delivery(row)),
)


@page(Permission.MESSAGES_VIEW)
def people(request: Request, id: int) -> HttpResponse:
    """Members by variant, by what became of them, by the reason why not."""
    conn = database.here()
    found = campaigns.one(conn, id)
    what = request.GET.get("what", "all")
    what = what if what in _WHAT else "all"
    variant = request.GET.get("variant") or None
    reason = request.GET.get("reason", "")[:300] or None
    query = Query.of(request, COLUMNS)
    members = _members(conn, found, what, variant, reason, query.after)
    sees = sight.of(request.actor)
    names = room.called(conn, [row[1] for row in members], sees)
    rows = [
        Member(
            subject, names[customer], reverse("customer", args=[customer]),
            arm or _("Holdout"), state, why, delivery, outcome or "",
        )
        for subject, customer, arm, state, why, delivery, outcome in members[:ROWS]
        if customer in names
    ]  # fmt: skip
    table = Table(
        name="people",
        label=_("Customers of the campaign"),
        columns=COLUMNS,
        query=query,
        rows=rows,
        next=str(members[ROWS - 1][0]) if len(members) > ROWS else "",
        href=lambda row: row.url,
        empty=_("Nobody is in the audience yet."),
        nothing_fits=_("No member of this campaign fits."),
    )
    context = {
        **campaigns.head(conn, found),
        "table": table,
        "tabs": room.tabs(conn, "campaigns"),
        "crumbs": [(found.name[:80], reverse("campaign", args=[id])), (_("Customers"), "")],
        "said": _said(what, variant, reason),
    }
    if request.headers.get("X-Rows"):
        return respond(request, "messages/campaign_people.html", context)
    return render(request, "messages/campaign_people.html", context)


def _members(
    conn: Connection,
    found: Campaign,
    what: str,
    variant: str | None,
    reason: str | None,
    after: str,
) -> list[tuple[Any, ...]]:
    goal = found.parsed.goal
    values = {
        "campaign": found.id,
        "variant": "" if variant == "-" else variant,
        "reason": reason,
        "after": int(after) if after.isascii() and after.isdigit() and len(after) < 19 else -1,
        "event": goal.event if goal else "",
        "time": timedelta(days=goal.days if goal else 0),
        "limit": ROWS + 1,
    }
    return conn.execute(f"{_MEMBERS} AND {_WHAT[what]} {_ORDER}".encode(), values).fetchall()


def _said(what: str, variant: str | None, reason: str | None) -> str:
    parts = [str(_LABELS[what])]
    if variant:
        parts.append(_("Holdout") if variant == "-" else _("variant %s") % variant[:60])
    if reason:
        parts.append(words.reason(reason))
    return " · ".join(parts)


def _state(row: Member) -> SafeString:
    if row.outcome:
        return cells.badge(
            words.OUTCOMES.get(row.outcome, row.outcome),
            tone=words.OUTCOME_TONES.get(row.outcome, ""),
        )
    return cells.badge(words.MEMBER_STATES.get(row.state, row.state))


def _reason(row: Member) -> str:
    shows = row.outcome in ("", "queued", "deferred", "dropped", "suppressed")
    return words.reason(row.reason) if shows else ""


def _delivery(row: Member) -> SafeString:
    if row.delivery_id is None:
        return cells.quiet("")
    return cells.lead(
        _("Why, and what became of it"), reverse("delivery", args=[row.delivery_id]), drawer=True
    )


_LABELS: Final = {
    "all": gettext_lazy("All members"),
    "waiting": gettext_lazy("Not asked for yet"),
    "handed": gettext_lazy("Handed over"),
    "confirmed": gettext_lazy("Confirmed"),
    "bounced": gettext_lazy("Bounced"),
    "opened": gettext_lazy("Opened"),
    "clicked": gettext_lazy("Clicked"),
    "converted": gettext_lazy("Came to the goal"),
    "held": gettext_lazy("Held back"),
}
# As the report counts them, so that a figure and the list behind it agree.
_COUNTED: Final[LiteralString] = "m.reason <> 'same customer'"
_TOLD: Final[LiteralString] = """
  EXISTS (SELECT FROM interactions x JOIN kinds k ON k.id = x.kind_id
           WHERE x.subject_id = m.subject_id AND d.handed_at IS NOT NULL
             AND x.occurred_at >= m.joined_at
             AND (x.body::json #>> '{properties,campaign_id}') = %(campaign)s::text AND k.name =
"""
_WHAT: Final[dict[str, LiteralString]] = {
    "all": _COUNTED,
    "waiting": f"{_COUNTED} AND m.state = 'waiting'",
    "handed": f"{_COUNTED} AND d.handed_at IS NOT NULL",
    "confirmed": f"{_COUNTED} AND d.state = 'confirmed'",
    "bounced": f"{_COUNTED} AND d.state = 'bounced' AND d.handed_at IS NOT NULL",
    "opened": f"{_COUNTED} AND {_TOLD} 'Message Opened')",
    "clicked": f"{_COUNTED} AND {_TOLD} 'Message Clicked')",
    "converted": f"""{_COUNTED} AND EXISTS (
      SELECT FROM identifiers b JOIN interactions x ON x.subject_id = b.id
       WHERE b.customer_id = i.customer_id AND x.occurred_at > m.joined_at
         AND x.occurred_at <= m.joined_at + %(time)s
         AND x.kind_id IN (SELECT id FROM kinds WHERE name = %(event)s AND type <> 'system'))""",
    "held": """(m.state IN ('held', 'left', 'cancelled') OR d.state IN ('dropped', 'suppressed')
         OR (m.state = 'waiting' AND m.reason <> '') OR d.state = 'deferred')""",
}
_MEMBERS: Final[LiteralString] = """
SELECT m.subject_id, i.customer_id, m.variant, m.state,
       coalesce(nullif(m.reason, ''), d.reason, ''), d.id, d.state
FROM campaign_members m JOIN identifiers i ON i.id = m.subject_id
LEFT JOIN deliveries d ON d.id = m.delivery_id
WHERE m.campaign_id = %(campaign)s AND m.subject_id > %(after)s
  AND (%(variant)s::text IS NULL OR m.variant = %(variant)s)
  AND (%(reason)s::text IS NULL OR coalesce(nullif(m.reason, ''), d.reason, m.state) = %(reason)s)
"""
_ORDER: Final[LiteralString] = "ORDER BY m.subject_id LIMIT %(limit)s"
