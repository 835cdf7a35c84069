"""The same addresses beside the console, for installations behind one host name.

Slower than the door of its own (docs/decisions/0014-the-door-for-decisions.md): each request goes
through Django and is decided alone. Keys, bodies, answers and errors are the same.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import cache

import psycopg
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from psycopg_pool import ConnectionPool, PoolTimeout

from touchloop.api import keyring
from touchloop.api.answering import LARGEST_BODY, PATHS, answered, work_of
from touchloop.api.answers import Answer, Refused, headers, refuse
from touchloop.collect.throttle import Throttle
from touchloop.core import clock, db
from touchloop.core.db import Connection

log = logging.getLogger("touchloop.api")


def _view(address: str) -> Callable[[HttpRequest], HttpResponse]:
    @csrf_exempt
    def view(request: HttpRequest) -> HttpResponse:
        try:
            answer = _answer(request, address)
        except Refused as refused:
            answer = refused.answer
        except (psycopg.OperationalError, PoolTimeout) as error:
            log.warning("the database is away: %s", str(error).strip())
            answer = refuse(
                503, "database_unavailable", "the database is away", retry_after=1
            ).answer
        except Exception:
            log.exception("a request failed: %s", request.path)
            answer = refuse(500, "failed", "the door failed; ask again").answer
        return _written(answer)

    return view


@csrf_exempt
def nowhere(request: HttpRequest, rest: str) -> HttpResponse:
    """What is asked here stands at no address of this door."""
    return _written(refuse(404, "no_such_address", f"there is POST {', '.join(PATHS)}").answer)


decide = _view("/v1/decide")
outcomes = _view("/v1/outcomes")
prompts = _view("/v1/prompts")
prompt_answer = _view("/v1/prompts/answer")


def _written(answer: Answer) -> HttpResponse:
    return HttpResponse(answer.body, status=answer.status, headers=dict(headers(answer)))


def _answer(request: HttpRequest, address: str) -> Answer:
    if request.method != "POST":
        raise refuse(405, "post_only", "send a POST with a JSON body")
    if int(request.headers.get("Content-Length") or 0) > LARGEST_BODY:
        raise refuse(413, "too_large", f"a body has at most {LARGEST_BODY} bytes")
    now = clock.now()
    hash = keyring.hash_in(request.headers.get("Authorization"))
    with _pool().connection() as conn:
        key = keyring.read_one(conn, hash, now=now)
        keyring.admitted(key, PATHS[address], now=now)
        with _lock:
            throttle = _throttles.setdefault(key.id, Throttle(key.rate))
            keyring.within_rate(throttle, key)
        return answered(conn, [work_of(address, request.body, now)])[0]


_lock = threading.Lock()
_throttles: dict[int, Throttle] = {}


@cache
def _pool() -> ConnectionPool[Connection]:
    return db.pool(size=8, application="touchloop api")
