"""The outbox: every delivery with what became of it; one delivery, and why it was sent or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from touchloop.channels import api as channels
from touchloop.channels.api import Shown, Which
from touchloop.console import database, views_saved
from touchloop.console.customers import sight
from touchloop.console.customers.sight import Sight
from touchloop.console.messages import origins, room, words
from touchloop.console.pages import Request, page, with_drawer
from touchloop.console.ui import cells
from touchloop.console.ui.tables import Column, Query, Table, respond
from touchloop.core.access import Permission
from touchloop.core.db import Connection
from touchloop.core.errors import NotFound

ROWS = 50
HELD = ("deferred", "dropped", "suppressed")
REASONS_SHOWN = 12
COUNTED = 50_000  # deliveries, the newest: a page must not wait for all that ever went out


@dataclass(frozen=True, slots=True)
class Row:
    """A delivery in the list."""

    id: int
    one: Shown
    name: str


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter and how many fit it."""

    label: str
    url: str
    n: int
    on: bool


COLUMNS = (
    Column("name", gettext_lazy("Customer"), cell=lambda row: _name(row)),
    Column("state", gettext_lazy("Outcome"), cell=lambda row: outcome(row.one.state)),
    Column("reason", gettext_lazy("Why"), wrap=True, cell=lambda row: cells.quiet(why(row.one))),
    Column(
        "channel",
        gettext_lazy("Channel"),
        cell=lambda row: cells.text(words.channel(row.one.channel)),
    ),
    Column(
        "kind",
        gettext_lazy("Kind"),
        minor=True,
        cell=lambda row: cells.quiet(words.KINDS.get(row.one.kind, row.one.kind)),
    ),
    Column("template", gettext_lazy("Message"), minor=True, cell=lambda row: _message(row.one)),
    Column(
        "made", gettext_lazy("Decided"), end=True, cell=lambda row: cells.when(row.one.created_at)
    ),
    Column(
        "handed",
        gettext_lazy("Handed"),
        end=True,
        minor=True,
        hidden=True,
        cell=lambda row: cells.when(row.one.handed_at),
    ),
)


@page(Permission.MESSAGES_VIEW)
def listed(request: Request) -> HttpResponse:
    """Every delivery, the newest first."""
    context = _list(request)
    return respond(request, "messages/outbox.html", context)


@page(Permission.MESSAGES_VIEW)
def delivery(request: Request, id: int) -> HttpResponse:
    """One delivery: why it was wanted, what was used, what held it back, the policy's verdict."""
    conn, sees = database.here(), sight.of(request.actor)
    try:
        found = channels.one_delivery(conn, room.large(id))
    except NotFound as missing:
        raise Http404(str(missing)) from missing
    if not sight.covers(sees, conn, found.customer_id):
        raise Http404
    verdict = origins.verdict(conn, found)
    name = room.called(conn, [found.customer_id], sees).get(found.customer_id, "")
    context = {
        "delivery": found,
        "customer": name or _("Customer %d") % found.customer_id,
        "outcome": outcome(found.state),
        "explained": words.EXPLAINED.get(found.state, ""),
        "why": why(found),
        "said": found.reason if found.state in ("handed", "confirmed", "bounced") else "",
        "kind": words.KINDS.get(found.kind, found.kind),
        "channel": words.channel(found.channel),
        "address": room.address(found.address, sees),
        "origins": origins.of(conn, found, request.actor),
        "used": _used(found, sees),
        "verdict": verdict,
        "verdict_why": words.reason(verdict.reason) if verdict else "",
        "pressed": origins.pressed(conn, found),
        "steps": origins.steps(found),
        "data": sees.masked(dict(found.data)),
        "back": reverse("outbox"),
    }
    return with_drawer(
        request, lambda: ("messages/outbox.html", _list(request)), "messages/delivery.html", context
    )


def outcome(state: str) -> SafeString:
    """The stored outcome word."""
    return cells.badge(words.OUTCOMES.get(state, state), tone=words.OUTCOME_TONES.get(state, ""))


def why(one: Shown) -> str:
    """Why it waits or was not sent; what the other side said stands with the delivery itself."""
    if one.state in ("handed", "confirmed"):
        return ""
    return words.reason(one.reason)


def _list(request: Request) -> dict[str, Any]:
    conn, sees = database.here(), sight.of(request.actor)
    query = Query.of(request, COLUMNS)
    which = asked(request.GET, sight.touchpoints(sees, conn))
    before = room.number(query.after)
    found = channels.deliveries(conn, which, before=before, limit=ROWS + 1)
    names = room.called(conn, [each.customer_id for each in found], sees)
    table = Table(
        name="outbox",
        label=_("Deliveries"),
        columns=COLUMNS,
        query=query,
        rows=[
            Row(one.id, one, names.get(one.customer_id, _("Customer %d") % one.customer_id))
            for one in found[:ROWS]
        ],
        next=str(found[ROWS - 1].id) if len(found) > ROWS else "",
        href=lambda row: reverse("delivery", args=[row.id]),
        empty=SafeString(render_to_string("messages/no_delivery.html", {}, request)),
        nothing_fits=_("Take a filter away: no delivery has all of these."),
    )
    if request.headers.get("X-Rows"):
        return {"table": table}
    return {
        "table": table,
        "tabs": room.tabs(conn, "outbox"),
        "saved": views_saved.bar(request, "outbox", query),
        **_chips(request, conn, which),
    }


def asked(given: Mapping[str, str], places: Sequence[int] | None) -> Which:
    """The filter of an address; what it may not say is left out."""
    state, reason = given.get("state", ""), given.get("reason", "")[:200]
    states = HELD if state == "held" else (state,) if state in words.OUTCOMES else ()
    kind, channel = given.get("kind", ""), given.get("channel", "")
    return Which(
        states=states,
        kinds=(kind,) if kind in words.KINDS else (),
        channels=(channel,) if channel in channels.channels() else (),
        reasons=(reason,) if reason and "\0" not in reason else (),
        template=given.get("template", "")[:80].replace("\0", ""),
        customer_id=room.number(given.get("customer", "")),
        campaign_id=room.number(given.get("campaign", "")),
        trigger_id=room.number(given.get("trigger", "")),
        places=places,
    )


def _chips(request: Request, conn: Connection, which: Which) -> dict[str, Any]:
    """Each filter with how many it would leave, the others kept."""
    given = {key: value for key, value in request.GET.items() if value and key != "after"}
    counted = channels.counts(
        conn,
        Which(
            kinds=which.kinds, template=which.template, customer_id=which.customer_id,
            campaign_id=which.campaign_id, trigger_id=which.trigger_id, places=which.places,
        ),
        newest=COUNTED,
    )  # fmt: skip
    by_state: dict[str, int] = {}
    by_channel: dict[str, int] = {}
    by_reason: dict[str, int] = {}
    for (channel, state, reason), n in counted.items():
        here = not which.channels or channel in which.channels
        if here:
            by_state[state] = by_state.get(state, 0) + n
        by_channel[channel] = by_channel.get(channel, 0) + n
        if here and reason and state in HELD and (not which.states or state in which.states):
            by_reason[reason] = by_reason.get(reason, 0) + n

    def chip(key: str, value: str, label: object, n: int) -> Chip:
        on = given.get(key) == value
        kept = {name: each for name, each in given.items() if name != key}
        return Chip(str(label), f"?{urlencode(kept if on else {**kept, key: value})}", n, on)

    held = sum(by_state.get(word, 0) for word in HELD)
    reasons = sorted(by_reason.items(), key=lambda pair: (-pair[1], pair[0]))[:REASONS_SHOWN]
    return {
        "state_chips": [
            *([chip("state", "held", _("held back"), held)] if held else []),
            *(
                chip("state", word, label, by_state[word])
                for word, label in words.OUTCOMES.items()
                if by_state.get(word)
            ),
        ],
        "channel_chips": [
            chip("channel", name, words.channel(name), n) for name, n in sorted(by_channel.items())
        ],
        "reason_chips": [chip("reason", word, words.reason(word), n) for word, n in reasons],
        "kinds": [("", _("Any kind")), *words.KINDS.items()],
        "kind_on": given.get("kind", ""),
        "kept": [(key, value) for key, value in given.items() if key != "kind"],
        "about": origins.about(conn, which),
        "counted": COUNTED if sum(counted.values()) >= COUNTED else None,
    }


def _used(one: Shown, sees: Sight) -> list[str]:
    """What of the customer was used to decide or to write it, as the message itself says."""
    used = one.data.get("used")
    reasons = one.data.get("reasons")
    found = [
        str(each)[:300]
        for part in (used, reasons)
        if isinstance(part, list)
        for each in part
        if each
    ]
    return [str(sees.masked(each)) for each in found]


def _name(row: Row) -> SafeString:
    return format_html(
        '<a class="lead" href="{}" data-drawer><bdi>{}</bdi></a>',
        reverse("delivery", args=[row.id]),
        row.name[:80],
    )


def _message(one: Shown) -> SafeString:
    if one.template:
        return cells.text(one.template)
    return cells.quiet(one.offer)
