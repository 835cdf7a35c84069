"""Unsubscribing, and the page of choices. Looking changes nothing; only sending a form does.

An address that is wrong, too old, or of somebody who is gone gets one and the same answer, and so
does every mailbox for which a fresh link is asked.
"""

from __future__ import annotations

from typing import Final

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from touchloop.channels.api import email
from touchloop.console.database import here
from touchloop.core import clock
from touchloop.core.errors import NotFound
from touchloop.public.pages import customers_page
from touchloop.public.preferences.forms import shown, told

# RFC 8058: what a mail program sends when its reader presses "unsubscribe".
_FIELD: Final = "List-Unsubscribe"
_ONE_CLICK: Final = "One-Click"
_KEPT: Final = "kept"


@customers_page("GET", "HEAD", "POST")
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """A page with a button; the button, or one click in a mail program, does it."""
    now = clock.now()
    found = email.subscription(here(), token)
    if found is None:
        raise NotFound(token)
    topics = {topic.slug: topic.name for topic in email.topics(here())}
    context = {
        "topic": topics.get(found.topic, ""),
        "choices_link": email.link(found.subject_id, url="", now=now),
        "field": _FIELD,
        "one_click": _ONE_CLICK,
    }
    if request.method != "POST":
        return render(request, "public/unsubscribe.html", context)
    if request.POST.get(_FIELD) != _ONE_CLICK:
        return render(request, "public/unsubscribe.html", context, status=400)
    on_page = "by_page" in request.POST
    with transaction.atomic():
        email.unsubscribe(here(), token, at=now, by="page" if on_page else "one-click")
    if on_page:
        return render(request, "public/unsubscribed.html", context)
    return HttpResponse("Unsubscribed.\n", content_type="text/plain; charset=utf-8")


@customers_page("GET", "HEAD", "POST")
def preferences(request: HttpRequest, token: str) -> HttpResponse:
    """The page of choices of whoever got this link in a message."""
    now = clock.now()
    subject = email.whose(here(), token, now=now)
    if subject is None:
        raise NotFound(token)
    if request.method == "POST":
        held = email.choices(here(), subject, now=now)
        with transaction.atomic():
            email.keep(here(), subject, told(request.POST, held), at=now)
        return HttpResponseRedirect(f"{request.path}?{_KEPT}=1#kept", status=303)
    context = {
        **shown(email.choices(here(), subject, now=now)),
        "kept": _KEPT in request.GET,
    }
    return render(request, "public/preferences.html", context)


@customers_page("GET", "HEAD", "POST")
def fresh_link(request: HttpRequest) -> HttpResponse:
    """Asking for a link: the answer is the same for every mailbox."""
    if request.method != "POST":
        return render(request, "public/fresh_link.html")
    with transaction.atomic():
        email.send_fresh_link(here(), request.POST.get("address", "")[:320], at=clock.now())
    return render(request, "public/fresh_link.html", {"asked": True})
