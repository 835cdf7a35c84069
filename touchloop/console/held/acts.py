"""Replay and discard: one, some, or all that fit a filter. A discard can be taken back."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from touchloop.console import database
from touchloop.console.held import views
from touchloop.console.pages import Request, page, say
from touchloop.core import audit, clock
from touchloop.core.access import Permission
from touchloop.interactions import api as interactions

MOST_AT_ONCE = 10_000
IDS_IN_AUDIT = 100
UNDO = "held_undo"


@page(Permission.HELD_DECIDE, methods=("POST",))
def replay(request: Request) -> HttpResponse:
    """Back into the inbox, to go through every step again."""
    ids = _chosen(request)
    with transaction.atomic():
        n = interactions.replay(database.here(), ids, actor=request.actor.id, now=clock.now())
        _note(request, "held.replayed", ids, n)
    words = ngettext("%d message goes through again.", "%d messages go through again.", n)
    say(request, words % n)
    return redirect("held")


@page(Permission.HELD_DECIDE, methods=("POST",))
def discard(request: Request) -> HttpResponse:
    ids = _chosen(request)
    with transaction.atomic():
        n = interactions.discard(database.here(), ids, actor=request.actor.id, now=clock.now())
        _note(request, "held.discarded", ids, n)
    token = secrets.token_urlsafe(8)
    request.session[UNDO] = {token: ids}
    words = ngettext("%d message discarded.", "%d messages discarded.", n)
    say(request, words % n, undo=reverse("held_restore", args=[token]) if n else "")
    return redirect("held")


@page(Permission.HELD_DECIDE, methods=("POST",))
def restore(request: Request, token: str) -> HttpResponse:
    """Take the last discard back."""
    ids = request.session.pop(UNDO, {}).get(token, [])
    with transaction.atomic():
        n = interactions.restore(database.here(), ids)
        _note(request, "held.restored", ids, n)
    words = ngettext("%d message waits again.", "%d messages wait again.", n)
    say(request, words % n)
    return redirect("held")


def _chosen(request: Request) -> list[int]:
    """The messages ticked, or with `all` every one that fits the filter of the form."""
    if "all" in request.POST:
        wanted = views.asked(request.POST.dict())
        return interactions.held_ids(database.here(), wanted, limit=MOST_AT_ONCE)
    given = request.POST.getlist("id")[:MOST_AT_ONCE]
    return [int(one) for one in given if one.isdecimal() and len(one) < 19]


def _note(request: Request, act: str, ids: Sequence[int], n: int) -> None:
    if not n:
        return
    audit.record(
        act,
        by=request.actor,
        kind="held",
        id=ids[0] if len(ids) == 1 else "many",
        name=_("%d messages") % n,
        after={"count": n, "ids": list(ids[:IDS_IN_AUDIT])},
    )
