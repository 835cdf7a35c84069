"""How a view becomes a page: it names its permission, and gets an actor who holds it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast
from urllib.parse import urlencode, urlsplit

from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from touchloop.core import access, clock
from touchloop.core.access import Permission
from touchloop.core.accounts.api import Person

P = ParamSpec("P")


class Request(HttpRequest):
    """A request of somebody who is signed in."""

    actor: Person


View = Callable[Concatenate[Request, P], HttpResponse]


def page(
    permission: Permission, *, methods: tuple[str, ...] = ("GET",), fresh: bool = False
) -> Callable[[View[P]], Callable[Concatenate[HttpRequest, P], HttpResponse]]:
    """Only for who is signed in and holds the permission; only by these methods.

    `fresh`: what is posted here shows a secret or opens a way in, so somebody who signed in a while
    ago confirms first that it is still them.
    """

    def decorate(view: View[P]) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            actor = getattr(request, "actor", None)
            if actor is None:
                return _ask_to_sign_in(request)
            if not access.allows(actor, permission):
                raise PermissionDenied(permission)
            if fresh and request.method == "POST" and not _just_signed_in(request):
                return _ask_again(request)
            answer = view(cast(Request, request), *args, **kwargs)
            if request.method == "GET" and answer.status_code == 200:
                _note_use(request)
            return answer

        allowed = [*methods, "HEAD"] if "GET" in methods else list(methods)
        guarded_view = require_http_methods(allowed)(guarded)
        guarded_view.permission = permission  # type: ignore[attr-defined]
        return cast("Callable[Concatenate[HttpRequest, P], HttpResponse]", guarded_view)

    return decorate


def with_drawer(
    request: HttpRequest,
    page: Callable[[], tuple[str, Mapping[str, Any]]],
    template: str,
    context: Mapping[str, Any],
) -> HttpResponse:
    """A drawer with its own address: alone when the script asks for it, else over its list.

    `page` gives the list's template and context; it is only asked when the list has to be drawn.
    The list's template puts the drawer where the frame says: `drawer_template` in the context.
    """
    if request.headers.get("X-Drawer"):
        return render(request, template, dict(context))
    list_template, list_context = page()
    return render(request, list_template, {**list_context, **context, "drawer_template": template})


def say(request: HttpRequest, text: str, *, undo: str = "", error: bool = False) -> None:
    """A toast on the page that comes next; `undo` is an address that takes the act back by POST."""
    level = messages.ERROR if error else messages.SUCCESS
    messages.add_message(request, level, text, extra_tags=undo)


def back(request: HttpRequest, fallback: str) -> HttpResponse:
    """To the page that the form stood on, if it is one of ours."""
    asked = request.POST.get("back", "") or request.headers.get("Referer", "")
    safe = url_has_allowed_host_and_scheme(asked, allowed_hosts={request.get_host()})
    return redirect(asked if safe else fallback)


def _note_use(request: HttpRequest) -> None:
    """Somebody looked: the data behind a report is in use."""
    from touchloop.console.insight.motion import reports  # which is a page itself

    reports.note(request)


def _just_signed_in(request: HttpRequest) -> bool:
    """Each way in (password, passkey, code) is in the session with its time."""
    records = get_authentication_records(request, request.user)
    latest = max((record["at"] for record in records), default=0.0)
    return clock.now().timestamp() - latest < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT


def _ask_again(request: HttpRequest) -> HttpResponse:
    """To confirm, and from there back to the page on which the form stood."""
    asked = request.headers.get("HX-Current-URL") or request.headers.get("Referer", "")
    safe = url_has_allowed_host_and_scheme(asked, allowed_hosts={request.get_host()})
    parts = urlsplit(asked if safe else "/")
    goal = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    address = f"{reverse('account_reauthenticate')}?{urlencode({'next': goal})}"
    say(request, _("You confirmed that it is you: now do it once more."))
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Redirect": address})
    return redirect(address)


def _ask_to_sign_in(request: HttpRequest) -> HttpResponse:
    if request.headers.get("HX-Request"):
        return HttpResponse(status=401)
    from django.contrib.auth.views import redirect_to_login

    return redirect_to_login(request.get_full_path(), str(settings.LOGIN_URL))
