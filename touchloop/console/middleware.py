"""What every answer of the console carries: security headers, who asks, what there is to say."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import timezone, translation

from touchloop.console import organisation
from touchloop.core.accounts.api import person_of

Answer = Callable[[HttpRequest], HttpResponse]

POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; manifest-src 'self'; object-src 'none'"
)
PERMISSIONS = "camera=(), microphone=(), geolocation=(), payment=(), usb=(), interest-cohort=()"


def security(answer: Answer) -> Answer:
    """CSP without inline scripts, and the other headers that Django leaves to us."""

    def middleware(request: HttpRequest) -> HttpResponse:
        nonce = secrets.token_urlsafe(16)
        request.csp_nonce = nonce  # type: ignore[attr-defined]
        response = answer(request)
        response.setdefault("Content-Security-Policy", POLICY.format(nonce=nonce))
        response.setdefault("Permissions-Policy", PERMISSIONS)
        response.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if "text/html" in response.get("Content-Type", ""):
            response.setdefault("Cache-Control", "no-store")  # pages show customers
        return response

    return middleware


def staff(answer: Answer) -> Answer:
    """`request.actor` is who is signed in, or None; then their language and the house's clock."""

    def middleware(request: HttpRequest) -> HttpResponse:
        user = request.user
        actor = person_of(user) if user.is_authenticated and user.is_active else None
        request.actor = actor  # type: ignore[attr-defined]
        with organisation.read_once() as house:
            timezone.activate(house.time_zone)
            if actor and actor.language:
                with translation.override(actor.language):
                    return answer(request)
            return answer(request)

    return middleware


def toasts(answer: Answer) -> Answer:
    """What there is to say goes along with an answer to htmx too, into its place on the page."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = answer(request)
        plain = response.streaming or response.status_code != 200
        if plain or not request.headers.get("HX-Request"):
            return response
        queued = messages.get_messages(request)
        if len(queued):
            context = {"messages": queued, "oob": True}
            response.content += render_to_string("frame/toasts.html", context, request).encode()
        return response

    return middleware
