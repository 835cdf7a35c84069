"""What people do with models: have one trained, cancel that, go back to an older version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from touchloop.console import database
from touchloop.console.insight.models import kinds
from touchloop.console.pages import Request, page, say
from touchloop.core import audit, clock
from touchloop.core.access import Permission
from touchloop.core.errors import Invalid, NotFound
from touchloop.insight.models import api as models
from touchloop.insight.models.api import Kind


@page(Permission.INSIGHT_EDIT, methods=("POST",))
def train(request: Request, kind: str) -> HttpResponse:
    """Have it learned as soon as the learner is free."""
    one = kinds.one(kind)
    with transaction.atomic():
        models.ask(database.here(), kind, by=request.actor.id, now=clock.now())
        _record(request, "model.train", one)
    return redirect("insight_model", kind)


@page(Permission.INSIGHT_EDIT, methods=("POST",))
def cancel(request: Request, kind: str) -> HttpResponse:
    """End the run that waits or works."""
    one = kinds.one(kind)
    try:
        with transaction.atomic():
            models.cancel(database.here(), kind, now=clock.now())
            _record(request, "model.cancel", one)
    except Invalid:
        say(request, _("It had ended already."))
    return redirect("insight_model", kind)


@page(Permission.INSIGHT_EDIT, methods=("POST",))
def roll_back(request: Request, kind: str) -> HttpResponse:
    """Put an older version in use; everybody is scored by it next."""
    one = kinds.one(kind)
    number = request.POST.get("version", "")
    conn = database.here()
    if not number.isascii() or not number.isdigit():
        raise Http404
    before = models.current(conn, kind)
    try:
        with transaction.atomic():
            models.roll_back(conn, kind, int(number), by=request.actor.id, now=clock.now())
            _record(
                request, "model.roll_back", one,
                before={"version": before.number if before else None},
                after={"version": int(number)},
            )  # fmt: skip
    except NotFound as error:
        raise Http404 from error
    except Invalid as error:
        say(request, error.message, error=True)
    else:
        say(request, _("Version %(n)s is in use; customers are scored by it next.") % {"n": number})
    return redirect("insight_model", kind)


def _record(
    request: Request, act: str, kind: Kind, *, before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    audit.record(
        act, by=request.actor, kind="model", id=kind.name, name=kind.label, before=before,
        after=after,
    )  # fmt: skip
