"""Making a campaign, changing it, starting and stopping it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from touchloop.channels import api as channels
from touchloop.console import database, organisation
from touchloop.console.messages import campaigns as pages
from touchloop.console.messages import mail, planning, room, words
from touchloop.console.pages import Request, page, say
from touchloop.console.segments.names import segment_names
from touchloop.core import audit, clock
from touchloop.core.access import Permission
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid
from touchloop.engage.campaigns import api as campaigns
from touchloop.engage.campaigns.api import Campaign

Act = Callable[..., Campaign]
ACTS: Final[dict[str, tuple[Act, str | Promise]]] = {
    "start": (campaigns.start, gettext_lazy("%s has begun.")),
    "pause": (campaigns.pause, gettext_lazy("%s is paused; nothing goes out.")),
    "resume": (campaigns.resume, gettext_lazy("%s goes on.")),
    "abort": (campaigns.abort, gettext_lazy("%s is aborted; what was queued is cancelled.")),
    "finish": (campaigns.finish, gettext_lazy("%s is finished; nobody joins any more.")),
}


@page(Permission.MESSAGES_EDIT, methods=("GET", "POST"))
def new(request: Request) -> HttpResponse:
    """A new draft."""
    conn = database.here()
    if request.method != "POST":
        known = {"goal": {"event": "Order Completed", "days": 14}}
        return _form(request, conn, planning.filled(known))
    name = _name(request)
    try:
        plan = planning.plan_of(request.POST)
        with transaction.atomic():
            made = campaigns.create(
                conn, name=name, plan=plan, now=clock.now(), actor=request.actor.id
            )
            audit.record(
                "campaign.created", by=request.actor, kind="campaign", id=made.id, name=made.name,
                after=made.plan,
            )  # fmt: skip
    except Invalid as wrong:
        return _form(request, conn, planning.typed(request.POST), name=name, wrong=wrong)
    say(request, _("%s is a draft: nobody is written to before you start it.") % made.name)
    return redirect("campaign", made.id)


@page(Permission.MESSAGES_EDIT, methods=("GET", "POST"))
def edit(request: Request, id: int) -> HttpResponse:
    """Change it; once begun, only its window and its throttle."""
    conn = database.here()
    found = pages.one(conn, id)
    if request.method != "POST":
        return _form(request, conn, planning.filled(found.plan), name=found.name, found=found)
    name = _name(request)
    try:
        if found.state == "draft":
            plan = planning.plan_of(request.POST)
        else:
            kept = {k: v for k, v in found.plan.items() if k not in ("window", "per_minute")}
            plan = {**kept, **planning.pace_of(request.POST)}
        with transaction.atomic():
            changed = campaigns.change(conn, id, now=clock.now(), name=name, plan=plan)
            audit.record(
                "campaign.changed", by=request.actor, kind="campaign", id=id, name=changed.name,
                before={"name": found.name, **found.plan}, after={"name": name, **changed.plan},
            )  # fmt: skip
    except Invalid as wrong:
        return _form(
            request, conn, planning.typed(request.POST), name=name, wrong=wrong, found=found
        )
    say(request, _("%s is changed.") % changed.name)
    return redirect("campaign", id)


@page(Permission.MESSAGES_EDIT, methods=("POST",))
def preview(request: Request) -> HttpResponse:
    """Who would be written to, and who would be held back and why, while it is planned."""
    conn = database.here()
    try:
        plan = campaigns.parse(planning.plan_of(request.POST))
        context: dict[str, Any] = {
            "trial": planning.trial(conn, plan, now=clock.now()),
            "says": planning.sentence(conn, plan),
        }
    except Invalid as wrong:
        context = {"wrong": wrong}
    return render(request, "messages/campaign_trial.html", context)


@page(Permission.MESSAGES_SEND, methods=("POST",))
def state(request: Request, id: int) -> HttpResponse:
    """Start, pause, resume, abort, finish; each has been asked about."""
    conn = database.here()
    found, act = pages.one(conn, id), request.POST.get("act", "")
    if act not in ACTS:
        say(request, _("Nothing was done: this is not known."), error=True)
        return redirect("campaign", id)
    do, said = ACTS[act]
    try:
        with transaction.atomic():
            after = do(conn, id, now=clock.now())
            audit.record(
                f"campaign.{act}", by=request.actor, kind="campaign", id=id, name=found.name,
                before={"state": found.state}, after={"state": after.state},
            )  # fmt: skip
    except Invalid as wrong:
        say(request, wrong.message, error=True)
        return redirect("campaign", id)
    undo = reverse("campaign_undo_pause", args=[id]) if act == "pause" else ""
    say(request, str(said) % found.name, undo=undo)
    return redirect("campaign", id)


@page(Permission.MESSAGES_SEND, methods=("POST",))
def undo_pause(request: Request, id: int) -> HttpResponse:
    """Take a pause back."""
    conn = database.here()
    found = pages.one(conn, id)
    try:
        with transaction.atomic():
            campaigns.resume(conn, id, now=clock.now())
            audit.record(
                "campaign.resume", by=request.actor, kind="campaign", id=id, name=found.name,
                before={"state": found.state}, after={"state": "running"},
            )  # fmt: skip
    except Invalid as wrong:
        say(request, wrong.message, error=True)
        return redirect("campaign", id)
    say(request, _("%s goes on.") % found.name)
    return redirect("campaign", id)


def _form(
    request: Request,
    conn: Connection,
    given: dict[str, Any],
    *,
    name: str = "",
    wrong: Invalid | None = None,
    found: Campaign | None = None,
) -> HttpResponse:
    field = planning.field_of(wrong) if wrong else ""
    segments = sorted(segment_names().items(), key=lambda each: each[1].lower())
    known = channels.channels()
    templates = mail.listing(conn)
    context = {
        "given": {**given, "zone": given["zone"] or organisation.current().time_zone},
        "name": name,
        "wrong": wrong,
        "errors": {field: wrong.message} if wrong else {},
        "campaign": found,
        "begun": found is not None and found.state != "draft",
        "tabs": room.tabs(conn, "campaigns"),
        "crumbs": [(found.name[:80], reverse("campaign", args=[found.id])), (_("Edit"), "")]
        if found
        else [(_("New campaign"), "")],
        "segments": [("", _("Choose a segment")), *segments],
        "templates": [
            ("", _("Choose a template")),
            *((each.slug, f"{each.name} ({each.slug})") for each in templates),
        ],
        "no_templates": not templates,
        "topics": [(each.slug, each.name, each.sentence) for each in mail.topics(conn)],
        "channels": [(name, words.channel(name)) for name in known],
        "channels_else": [
            ("", _("nothing else")),
            *((name, words.channel(name)) for name in known),
        ],
        "weekdays": [
            (number, label, number in given["weekdays"])
            for number, label in enumerate(planning.WEEKDAYS)
        ],
    }
    return render(request, "messages/campaign_form.html", context, status=400 if wrong else 200)


def _name(request: Request) -> str:
    return " ".join(request.POST.get("name", "").replace("\0", "").split())[:200]
