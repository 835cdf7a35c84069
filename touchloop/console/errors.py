"""The pages for when something is not there, not allowed, or broken."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseServerError
from django.shortcuts import render
from django.template.loader import get_template
from django.utils.translation import gettext as _

from touchloop.core.accounts.models import Role


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(
        request,
        400,
        icon="circle-alert",
        title=_("This request makes no sense to us"),
        text=_("The address or the form was not complete. Go back and try again."),
    )


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    actor = getattr(request, "actor", None)
    role = Role(actor.role).label if actor else ""
    text = (
        _(
            "Your role, %(role)s, does not open this page. "
            "An admin can change that in Settings → People."
        )
        % {"role": role}
        if role
        else _("Sign in first.")
    )
    return _page(request, 403, icon="lock", title=_("Not for your role"), text=text)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(
        request,
        404,
        icon="map-pin-off",
        title=_("There is nothing here"),
        text=_("The address is wrong, or what stood here is gone. Search for it with Ctrl K."),
    )


def broken(request: HttpRequest) -> HttpResponse:
    """Needs no database and no session: they may be what is broken."""
    return HttpResponseServerError(get_template("500.html").render({}))


def _page(request: HttpRequest, status: int, *, icon: str, title: str, text: str) -> HttpResponse:
    template = "error.html" if getattr(request, "actor", None) else "error_alone.html"
    context = {"icon_name": icon, "error_title": title, "error_text": text, "status": status}
    return render(request, template, context, status=status)
