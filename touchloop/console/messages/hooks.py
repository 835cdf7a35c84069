"""Webhooks: the programs that messages go to. A key is shown once; a trial says how it went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from touchloop.channels import api as channels
from touchloop.channels.api import Shown, Which
from touchloop.channels.api import webhook as hooks
from touchloop.console import database
from touchloop.console.messages import outbox, room
from touchloop.console.pages import Request, page, say
from touchloop.core import access, audit, clock
from touchloop.core.access import Permission
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid, NotFound, Unavailable

LOGGED = 5  # deliveries on the page; the outbox has all


@dataclass(frozen=True, slots=True)
class Row:
    """An endpoint with what went to it last."""

    one: hooks.Endpoint
    log: list[tuple[Shown, str, str]]
    all: str


@page(Permission.MESSAGES_VIEW)
def listed(request: Request) -> HttpResponse:
    """Every endpoint, with its last deliveries."""
    return _page(request)


@page(Permission.SOURCES_MANAGE, methods=("POST",), fresh=True)
def add(request: Request) -> HttpResponse:
    """A new endpoint; its key stands on the page that answers, and nowhere again."""
    conn, given = database.here(), request.POST.dict()
    try:
        with transaction.atomic():
            made, secret = hooks.create_endpoint(
                conn,
                slug=given.get("slug", "").strip(),
                name=given.get("name", ""),
                url=given.get("url", "").strip(),
                now=clock.now(),
            )
            _record(request, "added", made, after={"name": made.name, "url": made.url})
    except (Invalid, Unavailable) as wrong:
        return _page(request, wrong=wrong, given=given)
    return _page(request, secret=(made, secret))


@page(Permission.SOURCES_MANAGE, methods=("POST",))
def change(request: Request, slug: str) -> HttpResponse:
    """Another name or address, on or off."""
    conn, found = database.here(), _one(slug)
    given = request.POST
    try:
        with transaction.atomic():
            after = hooks.change_endpoint(
                conn,
                slug,
                name=given.get("name", found.name),
                url=given.get("url", found.url).strip(),
                enabled=given.get("enabled", "yes" if found.enabled else "no") == "yes",
                now=clock.now(),
            )
            _record(
                request, "changed", after,
                before={"name": found.name, "url": found.url, "enabled": found.enabled},
                after={"name": after.name, "url": after.url, "enabled": after.enabled},
            )  # fmt: skip
    except (Invalid, Unavailable) as wrong:
        say(request, str(wrong), error=True)
        return redirect("webhooks")
    say(request, _("%s is kept.") % after.name)
    return redirect("webhooks")


@page(Permission.SOURCES_MANAGE, methods=("POST",))
def trial(request: Request, slug: str) -> HttpResponse:
    """Post a trial message now, and say what became of it."""
    found = _one(slug)
    try:
        said = hooks.try_endpoint(database.here(), slug, now=clock.now())
    except (Invalid, Unavailable) as wrong:
        say(request, _("The trial was not sent: %s") % wrong, error=True)
        return redirect("webhooks")
    if said.word in ("handed", "confirmed"):
        say(request, _("%s took the trial.") % found.name)
    else:
        text = _("%(name)s did not take the trial: %(why)s") % {
            "name": found.name, "why": said.reason or said.word,
        }  # fmt: skip
        say(request, text, error=True)
    return redirect("webhooks")


@page(Permission.SOURCES_MANAGE, methods=("POST",), fresh=True)
def rotate(request: Request, slug: str) -> HttpResponse:
    """A new key beside the one that holds, or the end of the former one."""
    conn, found = database.here(), _one(slug)
    if "drop" in request.POST:
        with transaction.atomic():
            hooks.drop_former_secret(conn, slug, now=clock.now())
            _record(request, "former_key_dropped", found)
        say(request, _("Only the new key of %s signs now.") % found.name)
        return redirect("webhooks")
    with transaction.atomic():
        secret = hooks.rotate_secret(conn, slug, now=clock.now())
        _record(request, "key_rotated", found)
    return _page(request, secret=(_one(slug), secret))


@page(Permission.SOURCES_MANAGE, methods=("POST",))
def remove(request: Request, slug: str) -> HttpResponse:
    """Take it away, with its keys: this cannot be undone."""
    conn, found = database.here(), _one(slug)
    with transaction.atomic():
        hooks.remove_endpoint(conn, slug)
        _record(request, "removed", found, before={"name": found.name, "url": found.url})
    say(request, _("%s is gone; what waited for it is dropped.") % found.name)
    return redirect("webhooks")


def _page(
    request: Request,
    *,
    secret: tuple[hooks.Endpoint, str] | None = None,
    wrong: Exception | None = None,
    given: dict[str, Any] | None = None,
) -> HttpResponse:
    conn = database.here()
    context = {
        "tabs": room.tabs(conn, "webhooks"),
        "rows": [_row(conn, one) for one in hooks.endpoints(conn)],
        "secret": secret,
        "wrong": wrong,
        "errors": {wrong.field: wrong.message} if isinstance(wrong, Invalid) else {},
        "given": given or {},
        "may_manage": access.allows(request.actor, Permission.SOURCES_MANAGE),
    }
    answer = render(request, "messages/webhooks.html", context, status=400 if wrong else 200)
    if secret:
        answer["Cache-Control"] = "no-store"
    return answer


def _row(conn: Connection, one: hooks.Endpoint) -> Row:
    which = Which(channels=("webhook",), template=one.slug)
    found = channels.deliveries(conn, which, limit=LOGGED)
    return Row(
        one,
        [(each, outbox.outcome(each.state), outbox.why(each)) for each in found],
        f"{reverse('outbox')}?channel=webhook&template={one.slug}",
    )


def _one(slug: str) -> hooks.Endpoint:
    try:
        return hooks.get_endpoint(database.here(), slug)
    except NotFound as missing:
        raise Http404(str(missing)) from missing


def _record(
    request: Request,
    act: str,
    one: hooks.Endpoint,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    audit.record(
        f"webhook.{act}", by=request.actor, kind="webhook", id=one.id, name=one.name,
        before=before, after=after,
    )  # fmt: skip
