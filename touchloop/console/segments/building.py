"""Building a rule: it reads as a sentence meanwhile, and is compared before it is changed."""

from __future__ import annotations

from typing import Any

import msgspec
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from touchloop.console import database
from touchloop.console.customers import listing, sight
from touchloop.console.customers.sight import Sight
from touchloop.console.pages import Request, page, say
from touchloop.console.segments import words
from touchloop.console.segments.choosing import choices
from touchloop.console.segments.heading import one
from touchloop.core import audit, clock
from touchloop.core.access import Permission
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid
from touchloop.flow import api as flow
from touchloop.insight.segments import api as segments
from touchloop.insight.segments.api import Segment
from touchloop.profiles import api as profiles

LONGEST = 100_000
START: dict[str, Any] = {"all": []}


@page(Permission.SEGMENTS_EDIT, methods=("GET", "POST"))
def new(request: Request) -> HttpResponse:
    """Build a segment; saving makes it live and fills it from history in one go."""
    conn = database.here()
    if request.method != "POST":
        return _form(request, conn, rule=_asked(request), purpose="personalise")
    given, purpose, name = _rule(request), _purpose(request), _name(request)
    try:
        if not name:
            raise Invalid("name", _("Give the segment a name."))
        if given is None or given == START:
            raise Invalid("rule", _("Add at least one condition."))
        with transaction.atomic():
            made = segments.create(
                name,
                rule=given,
                purpose=purpose,
                actor=request.actor.id,
                now=clock.now(),
                conn=conn,
            )
            audit.record(
                "segment.created",
                by=request.actor,
                kind="segment",
                id=made.id,
                name=name,
                after={"rule": made.rule, "purpose": purpose},
            )
    except Invalid as wrong:
        return _form(request, conn, rule=given or START, purpose=purpose, name=name, wrong=wrong)
    filled = flow.fill_segment(made.id)
    say(
        request,
        _("%(name)s lives, with %(n)d members from history.") % {"name": name, "n": filled.members},
    )
    return redirect("segment", made.id)


def _asked(request: Request) -> dict[str, Any]:
    """The rule that a link of another page starts from; nothing where it is none."""
    try:
        given = msgspec.json.decode(request.GET.get("rule", "")[:LONGEST])
        return segments.to_json(segments.parse(given))
    except (msgspec.DecodeError, RecursionError, Invalid):
        return START


@page(Permission.SEGMENTS_EDIT, methods=("GET", "POST"))
def edit(request: Request, id: int) -> HttpResponse:
    """Change a rule: first what would happen, then the change."""
    conn = database.here()
    found = one(conn, id)
    if request.method != "POST":
        return _form(
            request, conn, rule=found.rule, purpose=found.purpose, name=found.name, segment=found
        )
    given, purpose, name = _rule(request), _purpose(request), _name(request)
    try:
        if not name:
            raise Invalid("name", _("Give the segment a name."))
        if given is None:
            raise Invalid("rule", _("This is not JSON."))
        parsed = segments.parse(given)
        same = segments.to_json(parsed) == found.rule and purpose == found.purpose
        if not same and "confirmed" not in request.POST:
            compared = segments.compare(conn, found.rule, given, clock.now(), purpose=purpose)
            names = {each.id: each.name for each in segments.listing(conn=conn)}
            return render(
                request,
                "segments/compare.html",
                {
                    "segment": found,
                    "compared": compared,
                    "rule": _text(given),
                    "name": name,
                    "purpose": purpose,
                    "purpose_words": words.PURPOSES.get(purpose, purpose),
                    "old_purpose": words.PURPOSES.get(found.purpose, found.purpose),
                    "after": segments.sentence(parsed, segments=names),
                },
            )
        _change(request, conn, found, given, purpose, name, same=same)
    except Invalid as wrong:
        return _form(
            request,
            conn,
            rule=given or found.rule,
            purpose=purpose,
            name=name,
            wrong=wrong,
            segment=found,
        )
    say(request, _("%s is changed.") % name)
    return redirect("segment", id)


@page(Permission.SEGMENTS_EDIT, methods=("POST",))
def preview(request: Request) -> HttpResponse:
    """The rule in words and how many it holds now, while it is built."""
    conn, sees = database.here(), sight.of(request.actor)
    given = _rule(request)
    try:
        if given is None:
            raise Invalid("rule", _("This is not JSON."))
        parsed = segments.parse(given)
        names = {each.id: each.name for each in segments.listing(conn=conn)}
        said = segments.sentence(parsed, segments=names)
        found = segments.preview(conn, given, clock.now(), purpose=_purpose(request))
        everybody = segments.preview(conn, given, clock.now()) if found.count == 0 else found
    except Invalid as wrong:
        return render(request, "segments/preview.html", {"wrong": wrong, "empty": given == START})
    context = {
        "said": said,
        "found": found,
        "empty": given == START,
        "held_back": everybody.count - found.count if found.count == 0 else 0,
        "sample": _sample(conn, found.sample, sees),
        "purpose": words.PURPOSES[_purpose(request)],
        "json": _text(segments.to_json(parsed)),
    }
    return render(request, "segments/preview.html", context)


@page(Permission.SEGMENTS_EDIT, methods=("POST",))
def state(request: Request, id: int) -> HttpResponse:
    """Pause, or let live again: then it is filled anew."""
    conn = database.here()
    found, wanted = one(conn, id), request.POST.get("state", "")
    try:
        with transaction.atomic():
            segments.set_state(id, wanted, now=clock.now(), conn=conn)
            audit.record(
                "segment.state",
                by=request.actor,
                kind="segment",
                id=id,
                name=found.name,
                before={"state": found.state},
                after={"state": wanted},
            )
    except Invalid as wrong:
        say(request, wrong.message, error=True)
        return redirect("segment", id)
    if wanted == "live":
        flow.fill_segment(id)
        say(request, _("%s lives again.") % found.name)
    else:
        say(request, _("%s is paused; its members stay as they are.") % found.name)
    return redirect("segment", id)


@page(Permission.SEGMENTS_EDIT, methods=("POST",))
def delete(request: Request, id: int) -> HttpResponse:
    """Delete a segment that no other asks about."""
    conn = database.here()
    found = one(conn, id)
    try:
        with transaction.atomic():
            segments.delete(id, conn=conn)
            audit.record(
                "segment.deleted",
                by=request.actor,
                kind="segment",
                id=id,
                name=found.name,
                before={"rule": found.rule},
            )
    except Invalid as wrong:
        say(request, wrong.message, error=True)
        return redirect("segment", id)
    say(request, _("Deleted the segment “%s”.") % found.name)
    return redirect("segments")


def _change(
    request: Request,
    conn: Connection,
    found: Segment,
    given: Any,
    purpose: str,
    name: str,
    *,
    same: bool,
) -> None:
    with transaction.atomic():
        counts = (found.members, None)
        changed = segments.change(
            found.id,
            actor=request.actor.id,
            now=clock.now(),
            name=name,
            rule=given,
            purpose=purpose,
            counts=counts,
            conn=conn,
        )
        audit.record(
            "segment.changed",
            by=request.actor,
            kind="segment",
            id=found.id,
            name=name,
            before={"rule": found.rule, "purpose": found.purpose, "name": found.name},
            after={"rule": changed.rule, "purpose": purpose, "name": name},
        )
    if not same and changed.state == "live":
        flow.fill_segment(found.id)


def _form(
    request: Request,
    conn: Connection,
    *,
    rule: Any,
    purpose: str,
    name: str = "",
    wrong: Invalid | None = None,
    segment: Segment | None = None,
) -> HttpResponse:
    sees = sight.of(request.actor)
    context = {
        "rule": _text(rule),
        "purpose": purpose,
        "name": name,
        "wrong": wrong,
        "segment": segment,
        "purposes": [(key, str(label)) for key, label in words.PURPOSES.items()],
        "choices": choices(conn, sees, without=segment.id if segment else None),
        "preview_url": reverse("segment_preview"),
    }
    return render(request, "segments/build.html", context, status=400 if wrong else 200)


def _sample(conn: Connection, ids: tuple[int, ...], sees: Sight) -> list[tuple[str, str]]:
    if sees.locations is not None:
        return []
    named = profiles.names(conn, list(ids))
    return [
        (
            listing.called(each.display_name, each.leader, each.id, sees),
            reverse("customer", args=[each.id]),
        )
        for each in named.values()
    ]


def _rule(request: Request) -> Any:
    """The rule of the form as JSON; None when it is none."""
    text = request.POST.get("rule", "")
    if len(text) > LONGEST:
        return None
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None


def _purpose(request: Request) -> str:
    given = request.POST.get("purpose", "")
    return given if given in words.PURPOSES else "personalise"


def _name(request: Request) -> str:
    return " ".join(request.POST.get("name", "").replace("\0", "").split())[:300]


def _text(rule: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(rule), indent=2).decode()
