"""What staff do about a case. Each act stands in its history and in the audit trail, and can be
undone where that is possible."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from touchloop.console import database
from touchloop.console.cases import views, whom
from touchloop.console.pages import Request, back, page, say
from touchloop.core import audit, clock
from touchloop.core.access import Permission
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid, NotFound
from touchloop.records.cases import api as cases
from touchloop.records.cases.api import Case

LONGEST = 5_000  # characters
SHORTEST_CLOCK = 0.01  # hours: what is overdue stays so


@page(Permission.CASES_WORK, methods=("POST",))
def assign(request: Request, id: int) -> HttpResponse:
    """Give the case to somebody; to nobody without a name."""
    found = views.one(database.here(), id, request.actor)
    to = _number(request.GET.get("to") or request.POST.get("to", ""))
    names = dict(views.owners(found))
    if to is not None and to not in names:
        say(request, _("This person cannot own the case."), error=True)
        return redirect("case", id)

    def do(conn: Connection, seen: frozenset[str] | None) -> None:
        cases.assign(conn, id, to=to, by=request.actor.id, at=clock.now(), locations=seen)

    said = _("%s owns the case.") % names[to] if to is not None else _("Nobody owns the case.")
    undo = f"{reverse('case_assign', args=[id])}?{urlencode({'to': found.owner_id or ''})}"
    changed = {"before": {"owner": found.owner_id}, "after": {"owner": to}}
    return _done(request, found, "assigned", do, said, undo=undo, **changed)


@page(Permission.CASES_WORK, methods=("POST",))
def note(request: Request, id: int) -> HttpResponse:
    """Write something down."""
    found, text = views.one(database.here(), id, request.actor), _text(request, "text")
    if not text:
        say(request, _("Write something first."), error=True)
        return redirect("case", id)

    def do(conn: Connection, seen: frozenset[str] | None) -> None:
        cases.note(conn, id, text=text, by=request.actor.id, at=clock.now(), locations=seen)

    return _done(request, found, "noted", do, _("Note kept."))


@page(Permission.CASES_WORK, methods=("POST",))
def wait(request: Request, id: int) -> HttpResponse:
    """Wait for the customer."""
    found, text = views.one(database.here(), id, request.actor), _text(request, "text")

    def do(conn: Connection, seen: frozenset[str] | None) -> None:
        cases.wait(conn, id, text=text, by=request.actor.id, at=clock.now(), locations=seen)

    said = _("The case waits for the customer; its clock stands.")
    return _done(request, found, "waits", do, said, undo=reverse("case_resume", args=[id]))


@page(Permission.CASES_WORK, methods=("POST",))
def resume(request: Request, id: int) -> HttpResponse:
    """The customer answered."""
    found, text = views.one(database.here(), id, request.actor), _text(request, "text")

    def do(conn: Connection, seen: frozenset[str] | None) -> None:
        cases.resume(conn, id, text=text, by=request.actor.id, at=clock.now(), locations=seen)

    return _done(request, found, "resumed", do, _("The case goes on; its clock runs again."))


@page(Permission.CASES_WORK, methods=("POST",))
def close(request: Request, id: int) -> HttpResponse:
    """Close with what was done for the customer."""
    found, text = views.one(database.here(), id, request.actor), _text(request, "resolution")
    if not text:
        say(request, _("Say what was done for the customer; then close."), error=True)
        return redirect("case", id)

    def do(conn: Connection, seen: frozenset[str] | None) -> None:
        cases.close_case(
            conn, id, resolution=text, by=request.actor.id, at=clock.now(), locations=seen
        )

    said = (
        _("Closed.")
        if found.kind == cases.REQUEST
        else _("Closed. The customer may be sold to again, and is asked how it was.")
    )
    return _done(request, found, "closed", do, said, undo=reverse("case_reopen", args=[id]))


@page(Permission.CASES_WORK, methods=("POST",))
def reopen(request: Request, id: int) -> HttpResponse:
    """Open it again: as it was when it was closed by mistake, with a new clock otherwise."""
    found, reason = views.one(database.here(), id, request.actor), _text(request, "reason")
    left = (found.due_at - clock.now()) / timedelta(hours=1)
    hours = cases.HOURS if reason else max(left, SHORTEST_CLOCK)

    def do(conn: Connection, seen: frozenset[str] | None) -> None:
        cases.reopen(
            conn,
            id,
            reason=reason or _("Closed by mistake"),
            hours=hours,
            by=request.actor.id,
            at=clock.now(),
            locations=seen,
        )

    return _done(request, found, "reopened", do, _("The case is open again."))


@page(Permission.CASES_WORK, methods=("POST",))
def take(request: Request) -> HttpResponse:
    """Own the chosen cases that nobody owns."""
    taken = _each(request, to=request.actor.id, only_of=None)
    if not taken:
        say(request, _("None of these is free: each has an owner or is closed."), error=True)
        return back(request, reverse("cases"))
    undo = f"{reverse('cases_give_back')}?{urlencode([('id', id) for id in taken])}"
    said = ngettext("You own one more case.", "You own %(n)d more cases.", len(taken))
    say(request, said % {"n": len(taken)}, undo=undo)
    return back(request, reverse("cases"))


@page(Permission.CASES_WORK, methods=("POST",))
def give_back(request: Request) -> HttpResponse:
    """Let go of the chosen cases that one owns."""
    given = _each(request, to=None, only_of=request.actor.id)
    say(request, ngettext("Gave back %d case.", "Gave back %d cases.", len(given)) % len(given))
    return back(request, reverse("cases"))


def _each(request: Request, *, to: int | None, only_of: int | None) -> list[int]:
    """Change the owner of those that `only_of` owns; which they were."""
    conn, seen, changed = database.here(), whom.scope(request.actor), []
    chosen = request.POST.getlist("id") or request.GET.getlist("id")
    for id in sorted({number for each in chosen[:200] if (number := _number(each)) is not None}):
        try:
            with transaction.atomic():
                found = cases.get(conn, id, locations=seen)
                if found.owner_id != only_of:
                    continue
                cases.assign(conn, id, to=to, by=request.actor.id, at=clock.now(), locations=seen)
                _record(request, found, "assigned", {"owner": only_of}, {"owner": to})
        except (NotFound, Invalid):
            continue
        changed.append(id)
    return changed


def _done(
    request: Request,
    found: Case,
    act: str,
    do: Callable[[Connection, frozenset[str] | None], None],
    said: str,
    *,
    undo: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """Do it with its entry in the audit trail, and say so; or say why it cannot be done."""
    try:
        with transaction.atomic():
            do(database.here(), whom.scope(request.actor))
            _record(request, found, act, before, after)
    except NotFound as missing:
        raise Http404(str(missing)) from missing
    except Invalid as wrong:
        say(request, _("This cannot be done now: %s.") % wrong.message, error=True)
    else:
        say(request, said, undo=undo)
    return redirect("case", found.id)


def _record(
    request: Request,
    found: Case,
    act: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
) -> None:
    audit.record(
        f"case.{act}",
        by=request.actor,
        kind="case",
        id=found.id,
        before=before,
        after=after,
    )


def _text(request: Request, name: str) -> str:
    return request.POST.get(name, "").replace("\0", "").strip()[:LONGEST]


def _number(given: str) -> int | None:
    return int(given) if given.isascii() and given.isdigit() and len(given) < 18 else None
