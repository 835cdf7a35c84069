"""What people do with matching: have it run, say whether two are one, let it merge by itself."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from touchloop.console import database
from touchloop.console.pages import Request, page, say
from touchloop.core import audit, clock
from touchloop.core.access import Permission
from touchloop.core.errors import Invalid, NotFound
from touchloop.insight.matching import api as matching


@page(Permission.INSIGHT_EDIT, methods=("POST",))
def run(request: Request) -> HttpResponse:
    """Ask for a run; the learner begins it when it is free."""
    with transaction.atomic():
        id = matching.ask(database.here(), by=request.actor.id, now=clock.now())
        audit.record("matching.run", by=request.actor, kind="matching_run", id=id)
    return redirect("insight_matching")


@page(Permission.SUGGESTIONS_DECIDE, methods=("POST",))
def label(request: Request, pair: int) -> HttpResponse:
    """Keep what was said of a pair, and show the next."""
    answer = request.POST.get("answer", "")
    try:
        with transaction.atomic():
            matching.label(
                database.here(), pair, answer=answer, by=request.actor.id, now=clock.now()
            )
            audit.record(
                "matching.label", by=request.actor, kind="matching_pair", id=pair,
                after={"answer": answer},
            )  # fmt: skip
    except (Invalid, NotFound) as wrong:
        say(request, getattr(wrong, "message", str(wrong)), error=True)
    return redirect(f"{reverse('insight_matching_look')}?after={pair}")


@page(Permission.INSIGHT_EDIT, methods=("POST",))
def version(request: Request, id: int) -> HttpResponse:
    """From the next run on go by a version that was learned before; 0: each run learns its own."""
    conn = database.here()
    before = matching.policy(conn).version_id
    try:
        with transaction.atomic():
            matching.use(conn, id or None, by=request.actor.id, now=clock.now())
            audit.record(
                "matching.version", by=request.actor, kind="matching_policy", id=0,
                before={"version": before}, after={"version": id or None},
            )  # fmt: skip
    except (Invalid, NotFound) as wrong:
        say(request, getattr(wrong, "message", str(wrong)), error=True)
    else:
        said = _("Version %d holds from the next run on.") % id if id else _(
            "Each run learns its own weights again, from the next one on."
        )  # fmt: skip
        say(request, said, undo=reverse("insight_matching_version", args=[before or 0]))
    return redirect("insight_matching")


@page(Permission.INSIGHT_EDIT, methods=("POST",))
def policy(request: Request) -> HttpResponse:
    """Let matching merge by itself above a measured precision, or not."""
    automatic = request.POST.get("automatic") == "on"
    try:
        precision = float(request.POST.get("precision", "").replace(",", ".")) / 100
    except ValueError:
        precision = 0.0
    try:
        with transaction.atomic():
            before = matching.policy(database.here())
            matching.change_policy(
                database.here(), automatic=automatic, precision=precision, by=request.actor.id,
                now=clock.now(),
            )  # fmt: skip
            audit.record(
                "matching.policy", by=request.actor, kind="matching_policy", id=0,
                before={"automatic": before.automatic, "precision": before.precision},
                after={"automatic": automatic, "precision": precision},
            )  # fmt: skip
    except Invalid as wrong:
        say(request, wrong.message, error=True)
    else:
        say(request, _("Kept. It holds from the next run on."))
    return redirect("insight_matching")
