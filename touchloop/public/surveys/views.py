"""The survey's page. Looking answers nothing; only sending the form does, and only once.

The token in the address is all that proves anything, so the form needs no cookie; whoever holds a
token may answer and may not read what was answered. Every wrong address has the same answer.
"""

from __future__ import annotations

from dataclasses import replace

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from touchloop.console.database import here
from touchloop.core import clock
from touchloop.core.errors import Invalid, NotFound, Unavailable
from touchloop.experience.surveys import api as surveys
from touchloop.public.pages import customers_page
from touchloop.public.surveys.forms import Filled, filled, rating_scales, reply, score_scale

SENDS = "POST"
_ANSWERED_SECONDS = 12 * 3600

METHODS = ("GET", "HEAD", "POST")


@customers_page(*METHODS)
def invited(request: HttpRequest, token: str) -> HttpResponse:
    """The page of one invitation."""
    now = clock.now()
    seen = surveys.look(here(), token, now=now)
    if seen.state != "invited":
        return _over(request, seen.state, seen.words)
    if request.method != SENDS:
        stamp = surveys.stamp(token, now=now)
        return _form(request, seen.survey, seen.words, filled(request.GET), stamp)
    given, stamp = filled(request.POST), request.POST.get("shown", "")
    try:
        sent = reply(given, seconds=surveys.seconds_since(token, stamp, at=now))
        with transaction.atomic():
            state = surveys.answer(here(), token, sent, at=now)
    except Invalid as error:
        return _form(request, seen.survey, seen.words, _wrong(given, error), stamp)
    return _over(request, state, seen.words)


@customers_page(*METHODS)
def at_place(request: HttpRequest, slug: str, token: str) -> HttpResponse:
    """The page behind a code on a wall or a receipt."""
    now = clock.now()
    survey, place = surveys.open_at(here(), slug, token)
    cookie = f"answered-{survey.id}"
    if request.method != SENDS:
        if cookie in request.COOKIES:
            return _over(request, "answered", survey.words)
        ticket = surveys.new_ticket(survey, place, now=now)
        return _form(request, survey, survey.words, filled(request.GET), ticket, at_place=True)
    given, ticket = filled(request.POST), request.POST.get("shown", "")
    try:
        sent = reply(given, seconds=None)
        state = surveys.answer_at(here(), survey, place, ticket, sent, at=now)
    except Invalid as error:
        return _form(request, survey, survey.words, _wrong(given, error), ticket, at_place=True)
    except Unavailable as error:
        response = render(request, "public/survey_busy.html", status=429)
        response["Retry-After"] = str(error.retry_after)
        return response
    response = _over(request, state, survey.words)
    response.set_cookie(
        cookie,
        "1",
        max_age=_ANSWERED_SECONDS,
        path=request.path,
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )
    return response


def _wrong(given: Filled, error: Invalid) -> Filled:
    return replace(given, error=error.message or _("Choose one of the numbers."), wrong=error.field)


def _form(
    request: HttpRequest,
    survey: surveys.Survey,
    words: surveys.Words,
    given: Filled,
    shown: str,
    *,
    at_place: bool = False,
) -> HttpResponse:
    context = {
        "survey": survey,
        "words": words,
        "scale": score_scale(survey, words, given),
        "ratings": rating_scales(words, given),
        "given": given,
        "shown": shown,
        "at_place": at_place,
        "longest": surveys.LONGEST_TEXT,
    }
    status = 422 if given.error else 200
    return render(request, "public/survey.html", context, status=status)


def _over(request: HttpRequest, state: str, words: surveys.Words) -> HttpResponse:
    if state == "expired":
        return render(request, "public/survey_over.html", status=410)
    if state not in ("answered", "already"):
        raise NotFound("This invitation was taken back.")
    return render(request, "public/survey_thanks.html", {"thanks": words.thanks})
