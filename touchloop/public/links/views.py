"""A link of a message, and the picture in it. Nothing but the record of the visit changes."""

from __future__ import annotations

from base64 import b64decode
from typing import Final

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from touchloop.channels.api import email
from touchloop.console.database import here
from touchloop.core import clock
from touchloop.core.errors import NotFound
from touchloop.public.pages import customers_page

_PICTURE: Final = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


@customers_page("GET", "HEAD")
def followed(request: HttpRequest, token: str) -> HttpResponse:
    """On to where the link leads. The address comes from the table, never from the request."""
    with transaction.atomic():
        address = email.click(here(), token, _visit(request))
    if address is None:
        raise NotFound(token)
    response = HttpResponse(status=302)
    response["Location"] = address
    return response


@customers_page("GET", "HEAD")
def opened(request: HttpRequest, token: str) -> HttpResponse:
    """One clear pixel, for the page of whoever shows the mail."""
    with transaction.atomic():
        known = email.opening(here(), token, _visit(request))
    if not known:
        raise NotFound(token)
    response = HttpResponse(_PICTURE, content_type="image/gif")
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def _visit(request: HttpRequest) -> email.Visit:
    return email.Visit(
        at=clock.now(),
        method=request.method or "GET",
        agent=request.headers.get("User-Agent", "")[:500],
    )
