"""Making an offer, changing it after a look at before and after, pausing and ending it."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from touchloop.console import database
from touchloop.console.customers import sight, wording
from touchloop.console.offers import form, views, words
from touchloop.console.offers.form import Given
from touchloop.console.pages import Request, page, say
from touchloop.console.segments.choosing import choices
from touchloop.console.segments.names import segment_names
from touchloop.core import audit, clock
from touchloop.core.access import Permission
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid
from touchloop.engage.offers import api as offers
from touchloop.engage.offers.api import Definition, Offer

CHANNELS = ("store", "email", "web", "mobile", "call_centre", "ivr", "sms", "mail")
DONE = {
    "live": gettext_lazy("“%s” is offered from now on."),
    "paused": gettext_lazy("“%s” is paused: nobody gets it until it goes on."),
    "ended": gettext_lazy("“%s” has ended."),
    "draft": gettext_lazy("“%s” is a draft again."),
}


@page(Permission.OFFERS_EDIT, methods=("GET", "POST"))
def new(request: Request) -> HttpResponse:
    """Make an offer: as a draft, or live at once."""
    conn = database.here()
    start = Definition()
    if request.method != "POST":
        given = form.written(start)
        return _form(request, conn, given)
    given = form.typed(request.POST)
    found, wrong = form.meant(given, before=start)
    live = request.POST.get("save") == "live"
    if live and not given.treatments:
        wrong.setdefault("treatments", _("An offer that lives needs a treatment for a channel."))
    if not given.plain["name"]:
        wrong["name"] = _("Give the offer a name.")
    if wrong:
        return _form(request, conn, given, wrong=wrong)
    try:
        with transaction.atomic():
            made = offers.create(
                given.plain["name"],
                definition=found,
                actor=request.actor.id,
                now=clock.now(),
                state="live" if live else "draft",
                conn=conn,
            )
            _note(request, "offer.created", made, after=_audited(made))
    except Invalid as refused:
        return _form(request, conn, given, wrong=_fields(refused))
    say(request, _("Made the offer “%s”.") % made.name)
    return redirect("offer", made.id)


@page(Permission.OFFERS_EDIT, methods=("GET", "POST"))
def edit(request: Request, id: int) -> HttpResponse:
    """Change an offer: first before and after, then the change."""
    conn = database.here()
    found = views.one(conn, id)
    if request.method != "POST":
        return _form(request, conn, form.written(found, name=found.name), offer=found)
    given = form.typed(request.POST)
    asked, wrong = form.meant(given, before=found)
    if not given.plain["name"]:
        wrong["name"] = _("Give the offer a name.")
    if request.POST.get("version", str(found.version)) != str(found.version):
        wrong["stale"] = _("Somebody changed this offer meanwhile. Compare with what stands now.")
    if wrong or "back" in request.POST:
        return _form(request, conn, given, wrong=wrong, offer=found)
    name = given.plain["name"]
    try:
        if "confirmed" not in request.POST:
            return _compare(request, found, offers.read(asked), name)
        with transaction.atomic():
            changed = offers.change(
                id,
                actor=request.actor.id,
                now=clock.now(),
                name=name,
                definition=asked,
                conn=conn,
            )
            _note(
                request, "offer.changed", changed, before=_audited(found), after=_audited(changed)
            )
    except Invalid as refused:
        return _form(request, conn, given, wrong=_fields(refused), offer=found)
    say(request, _("Changed the offer “%s”.") % name)
    return redirect("offer", id)


@page(Permission.OFFERS_EDIT, methods=("POST",))
def state(request: Request, id: int, state: str) -> HttpResponse:
    """Let live, pause, end; each can be taken back."""
    conn = database.here()
    found = views.one(conn, id)
    if state not in DONE:
        raise Http404(_("An offer has no such state."))
    try:
        with transaction.atomic():
            changed = offers.set_state(id, state, now=clock.now(), conn=conn)
            _note(
                request, "offer.state", changed, before={"state": found.state},
                after={"state": state},
            )  # fmt: skip
    except Invalid as refused:
        say(request, refused.message, error=True)
        return redirect("offer", id)
    back = reverse("offer_state", args=[id, found.state]) if state != found.state else ""
    say(request, str(DONE[state]) % found.name, undo=back)
    return redirect("offer", id)


def _compare(request: Request, found: Offer, after: Definition, name: str) -> HttpResponse:
    names = segment_names()
    changes = words.changes(found, after, names=(found.name, name), segments=names)
    if not changes:
        say(request, _("Nothing was changed."))
        return redirect("offer", found.id)
    context = {
        "offer": found,
        "changes": changes,
        "before": offers.sentence(found, segments=names),
        "after": offers.sentence(after, segments=names),
        "crumbs": [(_("Offer"), reverse("offer", args=[found.id])), (_("Change"), "")],
        "posted": [
            (key, value)
            for key, values in request.POST.lists()
            for value in values
            if key not in ("csrfmiddlewaretoken", "version")
        ],
        "live": words.state_of(found, clock.now()) == "now",
    }
    return render(request, "offers/compare.html", context)


def _form(
    request: Request,
    conn: Connection,
    given: Given,
    *,
    wrong: dict[str, str] | None = None,
    offer: Offer | None = None,
) -> HttpResponse:
    wrong = wrong or {}
    sees = sight.of(request.actor)
    known = choices(conn, sees)
    used = [row["channel"] for row in given.treatments]
    context: dict[str, Any] = {
        "offer": offer,
        "given": given.plain,
        "wrong": wrong,
        "astray": [text for field, text in wrong.items() if not _has_place(field)],
        "kinds": KINDS,
        "policies": [
            (name, *words.POLICIES[name], given.policies[name], wrong.get(name, ""))
            for name in words.POLICIES
        ],
        "treatments": given.treatments or [{}],
        "segments": known["segments"],
        "traits": sorted(known["traits"]),
        "events": known["events"],
        "modes": [("in", _("is in")), ("out", _("is not in"))],
        "wheres": [("trait", _("trait")), ("context", _("request says"))],
        "operators": list(words.OPERATORS.items()),
        "channels": [
            (name, wording.channel(name)) for name in dict.fromkeys((*CHANNELS, *used)) if name
        ],
        "crumbs": [
            (_("Offer"), reverse("offer", args=[offer.id])), (_("Change"), "")
        ] if offer else [(_("New offer"), "")],
    }  # fmt: skip
    return render(request, "offers/form.html", context, status=400 if wrong else 200)


def _fields(refused: Invalid) -> dict[str, str]:
    """The field of the form that an error of the room is about: the part before its path."""
    field = refused.field.replace("$", "")
    head = field.partition(".")[0].partition("[")[0]
    return {head if head in (*words.POLICIES, "treatments") else field: refused.message}


def _has_place(field: str) -> bool:
    fields = (*form.NUMBERS, *form.LIMITS, *words.POLICIES)
    return field in (
        *fields,
        "name",
        "topic",
        "goal",
        "starting_score",
        "starts_at",
        "ends_at",
        "treatments",
    )


def _audited(offer: Offer) -> dict[str, Any]:
    return {"name": offer.name, "state": offer.state, **offers.write(offer.definition())}


def _note(request: Request, act: str, offer: Offer, **more: Any) -> None:
    audit.record(act, by=request.actor, kind="offer", id=offer.id, name=offer.name, **more)


KINDS = (
    (
        "default",
        gettext_lazy("It sells"),
        gettext_lazy("Competes by priority; obeys the limits, complaints and holdouts."),
    ),
    (
        "service",
        gettext_lazy("It serves"),
        gettext_lazy("Helps the customer; goes on while a complaint is open."),
    ),
    (
        "mandatory",
        gettext_lazy("It is mandatory"),
        gettext_lazy("Comes before all others; held back from nobody."),
    ),
)
