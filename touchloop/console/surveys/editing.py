"""Making and changing surveys; starting, pausing; how much and how often is asked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import gettext as _

from touchloop.channels import api as channels
from touchloop.console import database
from touchloop.console.customers import wording
from touchloop.console.pages import Request, page, say
from touchloop.console.surveys import starting, words
from touchloop.console.surveys.previewing import drawn
from touchloop.console.surveys.views import one
from touchloop.core import audit, clock
from touchloop.core.access import Permission
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid
from touchloop.experience.surveys import api as surveys
from touchloop.experience.surveys.api import Design, Rating, Survey, Words

NUMBERS = ("share", "delay_minutes", "fresh_hours", "expires_days", "quarantine_days")
TEXTS = ("name", "question", "low", "high", "why", "thanks", "event", "channel")
LONGEST = 500  # characters of one text


@page(Permission.SURVEYS_EDIT, methods=("GET", "POST"))
def new(request: Request) -> HttpResponse:
    """Make a survey. It asks nobody before it is started."""
    conn = database.here()
    if request.method != "POST":
        return _form(request, conn, starting.filled(request.GET.get("kind", "nps")))
    given = _given(request.POST)
    try:
        with transaction.atomic():
            made = surveys.create(conn, _design(given), by=request.actor.id, now=clock.now())
            audit.record(
                "survey.created",
                by=request.actor,
                kind="survey",
                id=made.id,
                name=made.name,
                after=_told(made),
            )
    except Invalid as wrong:
        return _form(request, conn, given, wrong=wrong)
    say(request, _("%s is made. It asks nobody before you start it.") % made.name)
    return redirect("survey_questions", made.id)


@page(Permission.SURVEYS_EDIT, methods=("GET", "POST"))
def edit(request: Request, id: int) -> HttpResponse:
    """Change a survey; other words make a new version, answers keep the words they saw."""
    conn = database.here()
    found = one(conn, id)
    if request.method != "POST":
        return _form(request, conn, starting.of(found), survey=found)
    given = {**_given(request.POST), "kind": found.kind, "privacy": found.privacy}
    try:
        design = _design(given, found)
        with transaction.atomic():
            changed = surveys.change(
                conn,
                id,
                by=request.actor.id,
                now=clock.now(),
                **{name: getattr(design, name) for name in CHANGED},
            )
            _record(request, "survey.changed", found, changed)
    except Invalid as wrong:
        return _form(request, conn, given, survey=found, wrong=wrong)
    if changed.version != found.version:
        say(request, _("Saved. These words are version %d.") % changed.version)
    else:
        say(request, _("Saved."))
    return redirect("survey_questions", id)


@page(Permission.SURVEYS_EDIT, methods=("POST",))
def preview(request: Request) -> HttpResponse:
    """The customer's page of what stands in the form."""
    given = _given(request.POST)
    kind = given["kind"] if given["kind"] in surveys.SCALES else surveys.NPS
    shown = drawn(kind, _words(given, {}), identified=given["privacy"] != "confidential")
    return render(request, "surveys/page.html", {"shown": shown})


@page(Permission.SURVEYS_EDIT, methods=("POST",))
def state(request: Request, id: int) -> HttpResponse:
    """Start or pause."""
    conn = database.here()
    found = one(conn, id)
    live = (request.POST.get("state") or request.GET.get("state")) == "live"
    with transaction.atomic():
        changed = surveys.change(conn, id, by=request.actor.id, now=clock.now(), live=live)
        _record(request, "survey.started" if live else "survey.paused", found, changed)
    undo = f"{reverse('survey_state', args=[id])}?state={'live' if found.live else 'paused'}"
    said = _("%s asks from now on.") if live else _("%s is paused: it asks nobody.")
    say(request, said % found.name, undo=undo)
    return redirect("survey", id)


@page(Permission.SURVEYS_EDIT, methods=("POST",))
def share(request: Request, id: int) -> HttpResponse:
    """How large a share is asked at one touchpoint; nothing: as everywhere."""
    conn = database.here()
    found = one(conn, id)
    channel, tilde, location = request.POST.get("place", "").partition("~")
    percent = request.POST.get("percent", "").strip()
    try:
        if not tilde or "\0" in channel + location:
            raise Invalid("place", _("Choose a place."))
        value = _number(percent, "percent") / 100 if percent else None
        touchpoint = (channel[:200], location[:200])
        before = surveys.shares(conn, id).get(touchpoint)
        with transaction.atomic():
            surveys.set_share(conn, id, touchpoint=touchpoint, share=value)
            audit.record(
                "survey.share",
                by=request.actor,
                kind="survey",
                id=id,
                name=found.name,
                before={"at": list(touchpoint), "share": before},
                after={"at": list(touchpoint), "share": value},
            )
    except Invalid as wrong:
        say(request, wording_of(wrong), error=True)
    else:
        say(request, _("Changed how many are asked at this place."))
    return redirect("survey_questions", id)


@page(Permission.SURVEYS_EDIT, methods=("POST",))
def quarantine(request: Request) -> HttpResponse:
    """For how many days nobody is asked again, whichever survey it was."""
    conn = database.here()
    before = surveys.quarantine_days(conn)
    try:
        days = _number(request.POST.get("days", ""), "quarantine_days")
        with transaction.atomic():
            surveys.set_quarantine_days(conn, days)
            audit.record(
                "survey.quarantine",
                by=request.actor,
                kind="survey",
                id="all",
                before={"days": before},
                after={"days": days},
            )
    except Invalid as wrong:
        say(request, wording_of(wrong), error=True)
    else:
        say(request, _("Nobody is asked again within %s.") % words.days(days))
    return redirect("surveys")


def wording_of(wrong: Invalid) -> str:
    """An error for a toast: the field in words, then what is wrong."""
    return f"{LABELS.get(wrong.field, lambda: wrong.field)()}: {wrong.message}"


def _given(post: QueryDict) -> dict[str, Any]:
    """The form as it was filled in."""
    texts = {name: post.get(name, "").replace("\0", "").strip()[:LONGEST] for name in TEXTS}
    return {
        **texts,
        **{name: post.get(name, "").strip()[:20] for name in NUMBERS},
        "slug": post.get("slug", "").strip()[:80],
        "kind": post.get("kind", ""),
        "privacy": post.get("privacy", ""),
        "ratings": post.get("ratings", "").replace("\0", "").replace("\r\n", "\n")[:4000],
        "via": [each for each in post.getlist("via") if each in channels.channels()],
        "own_clock": "own_clock" in post,
    }


def _design(given: Mapping[str, Any], found: Survey | None = None) -> Design:
    """What was filled in as a design. Raises Invalid."""
    if not given["name"]:
        raise Invalid("name", _("Give the survey a name."))
    known = {each.question: each.id for each in found.words.ratings} if found else {}
    return Design(
        slug=found.slug if found else given["slug"] or slugify(given["name"])[:60] or "survey",
        name=given["name"],
        kind=given["kind"],
        words=_words(given, known),
        privacy=given["privacy"],
        event=given["event"],
        channel=given["channel"],
        own_clock=given["own_clock"],
        via=tuple(given["via"]),
        live=found.live if found else False,
        share=_number(given["share"], "share") / 100,
        delay_minutes=_number(given["delay_minutes"], "delay_minutes"),
        fresh_hours=_number(given["fresh_hours"], "fresh_hours"),
        expires_days=_number(given["expires_days"], "expires_days"),
        quarantine_days=_number(given["quarantine_days"], "quarantine_days"),
    )


def _words(given: Mapping[str, Any], known: Mapping[str, str]) -> Words:
    """The words; a further question keeps its id as long as it reads the same."""
    asked = [line.strip()[:LONGEST] for line in given["ratings"].split("\n") if line.strip()]
    ratings: list[Rating] = []
    taken = set(known.values())
    for question in dict.fromkeys(asked):
        id = known.get(question) or _free(question, taken)
        taken.add(id)
        ratings.append(Rating(id, question))
    return Words(
        given["question"], given["low"], given["high"], given["why"], tuple(ratings),
        given["thanks"],
    )  # fmt: skip


def _free(question: str, taken: set[str]) -> str:
    """A short id that no other question has."""
    base = re.sub(r"[^a-z0-9]+", "_", slugify(question).lower()).strip("_")[:24]
    base = base if base[:1].isalpha() else f"q_{base}".rstrip("_")
    numbered = (f"{base}_{n}" for n in range(2, 1000))
    return base if base not in taken else next(id for id in numbered if id not in taken)


def _number(text: str, field: str) -> float:
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        raise Invalid(field, _("must be a number")) from None
    if value != value or abs(value) > 1e9:
        raise Invalid(field, _("must be a number"))
    return value


def _record(request: Request, act: str, before: Survey, after: Survey) -> None:
    was, now = _told(before), _told(after)
    changed = {name for name in now if was[name] != now[name]}
    audit.record(
        act,
        by=request.actor,
        kind="survey",
        id=after.id,
        name=after.name,
        before={name: was[name] for name in sorted(changed)},
        after={name: now[name] for name in sorted(changed)},
    )


def _told(found: Survey) -> dict[str, Any]:
    """A survey for the audit trail."""
    names = ("name", "kind", "privacy", "version", "live", "event", "channel", "own_clock", "via")
    return {name: getattr(found, name) for name in (*names, *NUMBERS)} | {"via": list(found.via)}


def _form(
    request: Request,
    conn: Connection,
    given: Mapping[str, Any],
    *,
    survey: Survey | None = None,
    wrong: Invalid | None = None,
) -> HttpResponse:
    kind = given["kind"] if given["kind"] in surveys.SCALES else surveys.NPS
    shown = drawn(kind, _words(given, {}), identified=given["privacy"] != "confidential")
    context = {
        "survey": survey,
        "given": given,
        "wrong": {wrong.field: wrong.message} if wrong else {},
        "wrong_words": wording_of(wrong) if wrong else "",
        "shown": shown,
        "kinds": words.KINDS.items(),
        "privacies": words.PRIVACY.items(),
        "events": starting.events(conn),
        "channels": [("", _("any channel")), *starting.channels(conn)],
        "ways": [(name, wording.channel(name), name in given["via"]) for name in _ways()],
        "quarantine_all": words.days(surveys.quarantine_days(conn)),
        "crumbs": [(survey.name, reverse("survey", args=[survey.id])), (_("Change"), "")]
        if survey
        else [(_("New survey"), "")],
    }
    return render(request, "surveys/form.html", context, status=422 if wrong else 200)


def _ways() -> list[str]:
    """Channels by which an invitation can go out."""
    return sorted(channels.channels())


CHANGED = (
    "name", "words", "event", "channel", "share", "fresh_hours", "delay_minutes", "expires_days",
    "quarantine_days", "own_clock", "via",
)  # fmt: skip
LABELS = {
    "percent": lambda: _("Share"),
    "share": lambda: _("Share"),
    "place": lambda: _("Place"),
    "quarantine_days": lambda: _("Days until asked again"),
    "delay_minutes": lambda: _("Minutes to wait"),
    "fresh_hours": lambda: _("Hours after which it is too late"),
    "expires_days": lambda: _("Days to answer"),
    "name": lambda: _("Name"),
    "slug": lambda: _("Name in addresses"),
    "question": lambda: _("Question"),
    "low": lambda: _("Lowest score means"),
    "high": lambda: _("Highest score means"),
    "why": lambda: _("Open question"),
    "ratings": lambda: _("Further questions"),
    "via": lambda: _("Invited by"),
    "kind": lambda: _("Kind"),
    "privacy": lambda: _("Privacy"),
}
