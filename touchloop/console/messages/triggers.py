"""Triggers: sentences that act by themselves; who is on the way through one, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from touchloop.console import database
from touchloop.console.customers import sight
from touchloop.console.messages import campaigns, room, words
from touchloop.console.pages import Request, page, say
from touchloop.console.segments.names import segment_names
from touchloop.console.ui import cells
from touchloop.console.ui.tables import Column, Query, Table, respond
from touchloop.core import audit, clock
from touchloop.core.access import Permission
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid, NotFound
from touchloop.engage.triggers import api as triggers
from touchloop.engage.triggers.api import Line, Trigger

ROWS = 50


@dataclass(frozen=True, slots=True)
class Row:
    """A trigger in the list."""

    id: int
    name: str
    says: str
    state: str
    state_word: str
    tone: str
    url: str
    runs: list[tuple[str, int, str]]  # word, how many, the runs behind it
    on: bool
    ended: bool


@dataclass(frozen=True, slots=True)
class Run:
    """A run as the table shows it."""

    id: int
    name: str
    url: str
    line: Line


COLUMNS = (
    Column("name", gettext_lazy("Customer"), cell=lambda run: cells.lead(run.name, run.url)),
    Column("state", gettext_lazy("Run"), cell=lambda run: _state(run.line)),
    Column(
        "reason",
        gettext_lazy("Why"),
        wrap=True,
        cell=lambda run: cells.quiet(words.reason(run.line.reason)),
    ),
    Column("made", gettext_lazy("What it did"), cell=lambda run: _made(run.line)),
    Column("due", gettext_lazy("Next step"), minor=True, cell=lambda run: _due(run.line)),
    Column(
        "entered",
        gettext_lazy("Started"),
        end=True,
        cell=lambda run: cells.when(run.line.entered_at),
    ),
)


@page(Permission.MESSAGES_VIEW)
def listed(request: Request) -> HttpResponse:
    """Every trigger as a sentence."""
    conn = database.here()
    every = triggers.listing(conn)
    state = request.GET.get("state", "")
    names, sums = segment_names(), _sums(conn)
    context = {
        "tabs": room.tabs(conn, "triggers"),
        "rows": [
            _row(each, names, sums.get(each.id, {}))
            for each in every
            if not state or each.state == state
        ],
        "states": [
            (name, label, sum(each.state == name for each in every))
            for name, label in words.TRIGGER_STATES.items()
        ],
        "state_on": state,
        "total": len(every),
    }
    return render(request, "messages/triggers.html", context)


@page(Permission.MESSAGES_VIEW)
def trigger(request: Request, id: int) -> HttpResponse:
    """One trigger: its sentence, what it gained, its runs."""
    conn = database.here()
    found = one(conn, id)
    state = request.GET.get("state", "")
    state = state if state in words.RUN_STATES else ""
    query = Query.of(request, COLUMNS)
    before = int(query.after) if query.after.isascii() and query.after.isdigit() else None
    lines = triggers.runs(
        conn, trigger_id=id, state=state, before=before if before else None, limit=ROWS + 1
    )
    names = room.called(conn, [line.customer_id for line in lines], sight.of(request.actor))
    table = Table(
        name="runs",
        label=_("Runs"),
        columns=COLUMNS,
        query=query,
        rows=[
            Run(
                line.id,
                names.get(line.customer_id, _("Customer %d") % line.customer_id),
                reverse("customer", args=[line.customer_id]),
                line,
            )
            for line in lines[:ROWS]
        ],
        next=str(lines[ROWS - 1].id) if len(lines) > ROWS else "",
        href=lambda run: run.url,
        empty=SafeString(render_to_string("messages/no_run.html", {"trigger": found}, request)),
        nothing_fits=_("No run of this trigger ended so."),
    )
    if request.headers.get("X-Rows"):
        return respond(request, "messages/trigger.html", {"table": table})
    report = triggers.report(conn, id)
    names_of = segment_names()
    context = {
        "trigger": found,
        "row": _row(found, names_of, report.states),
        "report": report,
        "reasons": [
            (words.reason(word), n) for word, n in sorted(report.reasons.items(), key=_most)
        ],
        "treated": campaigns.share(report.treated),
        "held": campaigns.share(report.held),
        "gained": campaigns.gain(report.gained),
        "table": table,
        "tabs": room.tabs(conn, "triggers"),
        "crumbs": [(_("Triggers"), reverse("triggers")), (found.name[:80], "")],
        "state_on": state,
        "here_on": f"{reverse('trigger', args=[id])}?state={state}",
        "total": sum(report.states.values()),
        "versions": [
            (each, triggers.sentence(triggers.parse(each.definition), segments=names_of))
            for each in triggers.versions(conn, id)
        ],
    }
    return render(request, "messages/trigger.html", context)


@page(Permission.MESSAGES_SEND, methods=("POST",))
def state(request: Request, id: int) -> HttpResponse:
    """Switch it on or off, which can be taken back; or end it for good."""
    conn = database.here()
    found, wanted = one(conn, id), request.POST.get("state", "")
    acts = {"live": triggers.resume, "paused": triggers.pause, "ended": triggers.abort}
    if wanted not in acts:
        say(request, _("Nothing was done: this is not known."), error=True)
        return redirect("trigger", id)
    try:
        with transaction.atomic():
            after = acts[wanted](conn, id, now=clock.now())
            audit.record(
                "trigger.state", by=request.actor, kind="trigger", id=id, name=found.name,
                before={"state": found.state}, after={"state": after.state},
            )  # fmt: skip
    except Invalid as wrong:
        say(request, wrong.message, error=True)
        return redirect("trigger", id)
    say(request, _said(wanted) % found.name, undo=_undo(id, found.state, wanted))
    return redirect(
        "trigger" if request.POST.get("from") == "one" else "triggers", *_at(request, id)
    )


@page(Permission.MESSAGES_SEND, methods=("POST",))
def undo(request: Request, id: int, state: str) -> HttpResponse:
    """Take the last switch back."""
    conn = database.here()
    found = one(conn, id)
    acts = {"live": triggers.resume, "paused": triggers.pause}
    if state not in acts:
        raise Http404
    try:
        with transaction.atomic():
            acts[state](conn, id, now=clock.now())
            audit.record(
                "trigger.state", by=request.actor, kind="trigger", id=id, name=found.name,
                before={"state": found.state}, after={"state": state},
            )  # fmt: skip
    except Invalid as wrong:
        say(request, wrong.message, error=True)
        return redirect("triggers")
    say(request, _said(state) % found.name)
    return redirect("triggers")


def one(conn: Connection, id: int) -> Trigger:
    """The trigger. Raises Http404."""
    try:
        return triggers.get(conn, room.small(id))
    except NotFound as missing:
        raise Http404(str(missing)) from missing


def _row(found: Trigger, names: dict[int, str], sums: dict[str, int]) -> Row:
    url = reverse("trigger", args=[found.id])
    try:
        says = triggers.sentence(found.parsed, segments=names)
    except Invalid as wrong:
        says = _("Its definition cannot be read: %s") % wrong
    return Row(
        id=found.id,
        name=found.name,
        says=says,
        state=found.state,
        state_word=str(words.TRIGGER_STATES.get(found.state, found.state)),
        tone=words.STATE_TONES.get(found.state, ""),
        url=url,
        runs=[
            (str(label), sums.get(word, 0), f"{url}?state={word}")
            for word, label in words.RUN_STATES.items()
            if sums.get(word) or word != "failed"
        ],
        on=found.state == "live",
        ended=found.state == "ended",
    )


def _sums(conn: Connection) -> dict[int, dict[str, int]]:
    found: dict[int, dict[str, int]] = {}
    rows = conn.execute(
        "SELECT trigger_id, state, count(*) FROM trigger_runs GROUP BY trigger_id, state"
    )
    for id, state, n in rows:
        found.setdefault(id, {})[state] = n
    return found


def _said(state: str) -> str:
    return {
        "live": _("%s is live."),
        "paused": _("%s is paused: it starts nothing and does nothing."),
        "ended": _("%s is ended; what was queued is cancelled."),
    }[state]


def _undo(id: int, before: str, after: str) -> str:
    """A first start is taken back by a pause; an end for good cannot be taken back."""
    if before == after or after == "ended":
        return ""
    return reverse("trigger_undo", args=[id, "live" if before == "live" else "paused"])


def _at(request: Request, id: int) -> list[int]:
    return [id] if request.POST.get("from") == "one" else []


def _most(pair: tuple[str, int]) -> tuple[int, str]:
    return -pair[1], pair[0]


def _state(line: Line) -> SafeString:
    return cells.badge(
        words.RUN_STATES.get(line.state, line.state), tone=words.RUN_TONES.get(line.state, "")
    )


def _due(line: Line) -> SafeString:
    return cells.when(line.due_at) if line.state == "waiting" else cells.quiet("")


def _made(line: Line) -> SafeString:
    """The message, else what else the run made."""
    data: dict[str, Any] = line.data
    delivery = data.get("delivery")
    if isinstance(delivery, int):
        said = words.channel(str(data.get("channel", "")))
        text = _("Message by %s") % said if said else _("Message")
        return cells.lead(text, reverse("delivery", args=[delivery]), drawer=True)
    if "case" in data:
        return format_html("{}", _("Case %s") % data["case"])
    if data.get("offer"):
        return format_html("{}", _("Offer %s") % str(data["offer"])[:60])
    return cells.quiet("")
