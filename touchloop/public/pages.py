"""What the pages for customers share: no sign-in, no cookie, no trace to other pages, one answer to
every address that is none of ours."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from touchloop.core.errors import NotFound

View = Callable[..., HttpResponse]


def customers_page(*methods: str) -> Callable[[View], View]:
    """For anybody who holds the address. The token in it is the proof, so a form needs no cookie;
    NotFound becomes the one page that says nothing about why."""

    def decorate(view: View) -> View:
        @csrf_exempt
        @require_http_methods([*methods])
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                response = view(request, *args, **kwargs)
            except NotFound:
                response = render(request, "public/unknown.html", status=404)
            response["Cache-Control"] = "no-store"
            response["Referrer-Policy"] = "no-referrer"
            response["X-Robots-Tag"] = "noindex, nofollow"
            return response

        return guarded

    return decorate
