"""Making a trigger and changing it: as a form where that says it all, else as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from touchloop.channels import api as channels
from touchloop.channels.api import email
from touchloop.console import database
from touchloop.console.messages import room, shaping, words
from touchloop.console.messages import triggers as pages
from touchloop.console.messages.shaping import BLANK, Shape
from touchloop.console.pages import Request, page, say
from touchloop.console.segments.names import segment_names
from touchloop.core import audit, clock
from touchloop.core.access import Permission
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid
from touchloop.engage.triggers import api as triggers
from touchloop.engage.triggers.api import Trigger
from touchloop.experience.surveys import api as surveys
from touchloop.interactions import api as interactions

EVENTS: Final = 200


@page(Permission.MESSAGES_EDIT, methods=("GET", "POST"))
def new(request: Request) -> HttpResponse:
    """A new draft: it starts nobody before it is switched on."""
    conn = database.here()
    if request.method != "POST":
        return _form(request, conn, BLANK)
    try:
        name, said = _read(request)
        if "look" in request.POST:
            return _form(request, conn, _typed(request), says=_sentence(said))
        with transaction.atomic():
            made = triggers.create(
                conn, name=name, definition=said, now=clock.now(), actor=request.actor.id
            )
            audit.record(
                "trigger.created", by=request.actor, kind="trigger", id=made.id, name=made.name,
                after=made.definition,
            )  # fmt: skip
    except Invalid as wrong:
        return _form(request, conn, _typed(request), wrong=wrong)
    say(request, _("%s is a draft: switch it on when it says what you mean.") % made.name)
    return redirect("trigger", made.id)


@page(Permission.MESSAGES_EDIT, methods=("GET", "POST"))
def edit(request: Request, id: int) -> HttpResponse:
    """Another version; who is on the way keeps the one they began with."""
    conn = database.here()
    found = pages.one(conn, id)
    if found.state == "ended":
        say(request, _("It is ended; make another one."), error=True)
        return redirect("trigger", id)
    if request.method != "POST":
        shape = shaping.shape(found.name, found.definition)
        return _form(request, conn, shape or BLANK | {"name": found.name}, found=found,
                     as_json=shape is None or "json" in request.GET)  # fmt: skip
    try:
        name, said = _read(request)
        if "look" in request.POST:
            return _form(request, conn, _typed(request), found=found, says=_sentence(said))
        with transaction.atomic():
            after = triggers.change(
                conn, id, now=clock.now(), actor=request.actor.id, name=name, definition=said
            )
            audit.record(
                "trigger.changed", by=request.actor, kind="trigger", id=id, name=after.name,
                before=found.definition, after=after.definition,
            )  # fmt: skip
    except Invalid as wrong:
        return _form(request, conn, _typed(request), found=found, wrong=wrong)
    again = reverse("trigger_restore", args=[id, found.version])
    undo = again if after.version != found.version else ""
    say(request, _("%(name)s is kept as version %(n)d.")
        % {"name": after.name, "n": after.version}, undo=undo)  # fmt: skip
    return redirect("trigger", id)


@page(Permission.MESSAGES_EDIT, methods=("POST",))
def restore(request: Request, id: int, version: int) -> HttpResponse:
    """Let the definition of an earlier version hold again, as a new version."""
    conn = database.here()
    found = pages.one(conn, id)
    kept = next((one for one in triggers.versions(conn, id) if one.version == version), None)
    if kept is None:
        say(request, _("There is no such version."), error=True)
        return redirect("trigger", id)
    try:
        with transaction.atomic():
            after = triggers.change(
                conn, id, now=clock.now(), actor=request.actor.id, definition=kept.definition
            )
            audit.record(
                "trigger.changed", by=request.actor, kind="trigger", id=id, name=after.name,
                before=found.definition, after=after.definition,
            )  # fmt: skip
    except Invalid as wrong:
        say(request, wrong.message, error=True)
        return redirect("trigger", id)
    say(request, _("What it said in version %d holds again.") % version)
    return redirect("trigger", id)


def _read(request: Request) -> tuple[str, Any]:
    """The name and the definition that were sent. Raises Invalid."""
    name = request.POST.get("name", "").replace("\0", "").strip()
    if not name:
        raise Invalid("name", _("Give it a name."))
    if "definition" in request.POST:
        said = shaping.read(request.POST["definition"])
    else:
        said = shaping.definition(shaping.given(request.POST))
    triggers.parse(said)
    return name, said


def _typed(request: Request) -> Shape:
    if "definition" in request.POST:
        return BLANK | {
            "name": request.POST.get("name", "")[:200], "json": request.POST["definition"][:50_000],
        }  # fmt: skip
    return shaping.given(request.POST)


def _sentence(said: Any) -> str:
    return triggers.sentence(triggers.parse(said), segments=segment_names())


def _form(
    request: Request,
    conn: Connection,
    shape: Mapping[str, Any],
    *,
    found: Trigger | None = None,
    wrong: Invalid | None = None,
    says: str = "",
    as_json: bool = False,
) -> HttpResponse:
    """The page. A definition that no form can show whole is edited as JSON."""
    text = shape.get("json") or (shaping.written(found.definition) if found and as_json else "")
    here = reverse("trigger_edit", args=[found.id]) if found else reverse("trigger_new")
    context = {
        "tabs": room.tabs(conn, "triggers"),
        "found": found,
        "action": here,
        "shape": shape,
        "json": text,
        "wrong": wrong,
        "errors": {wrong.field.partition("[")[0]: wrong.message} if wrong else {},
        "says": says,
        **_choices(conn, shape),
    }
    return render(request, "messages/trigger_form.html", context, status=400 if wrong else 200)


def _choices(conn: Connection, shape: Mapping[str, Any]) -> dict[str, Any]:
    """What can be chosen; what is chosen and gone stays in the list."""
    names = interactions.kinds(conn, type="track", limit=EVENTS)
    return {
        "starts": shaping.STARTS,
        "segments": [("", _("Choose…")), *sorted(segment_names().items(), key=lambda s: s[1])],
        "events": [one.name for one in names],
        "units": shaping.UNITS,
        "acts": shaping.ACTS,
        "kinds": shaping.KINDS,
        "case_kinds": shaping.CASES,
        "channels": [
            (name, words.channel(name), name in shape["channels"])
            for name in sorted({*channels.channels(), *shape["channels"]})
        ],
        "templates": [("", _("that of the offer")),
                      *((one.slug, one.name) for one in email.listing(conn))],
        "topics": [("", _("none")), *((one.slug, one.name) for one in email.topics(conn))],
        "survey_choices": [("", _("Choose…")),
                           *((one.slug, one.name) for one in surveys.listing(conn))],
    }  # fmt: skip
