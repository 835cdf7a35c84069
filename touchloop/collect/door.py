"""The door itself: authenticate, check limits, take in, answer after the commit."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from touchloop.collect import bodies, callers, pages
from touchloop.collect.answers import (
    ACCEPTED,
    Answer,
    Refused,
    headers,
    later,
    preflight,
    refuse,
)
from touchloop.collect.connection import Request, respond_all
from touchloop.collect.keys import Keys
from touchloop.collect.limits import Limits
from touchloop.collect.parcel import Parcel, Route
from touchloop.collect.pipe import Pipe
from touchloop.collect.routes import ROUTES
from touchloop.collect.signed import HEADER, only_signed
from touchloop.collect.tallies import Tallies
from touchloop.collect.throttle import Throttle
from touchloop.collect.writer import Outcome, Writer
from touchloop.core import clock
from touchloop.interactions.api import DIRECT, Record, Source

log = logging.getLogger("touchloop.collect")

BROWSERS = frozenset({"web", "mobile"})  # sources whose caller is the customer's own device


def now_us() -> int:
    """core.clock's instant as a number, without the objects on the way there."""
    return time.time_ns() // 1_000


class Door:
    """Everything that a request needs; `take` is given each, and sees to its answer."""

    def __init__(
        self, limits: Limits, *, database_url: str, now_us: Callable[[], int] = now_us
    ) -> None:
        self.limits = limits
        self.keys = Keys(database_url, age=limits.refresh_seconds)
        self.tallies = Tallies(database_url)
        self.writer: Writer[tuple[Request, Answer]] = Writer(
            limits,
            pipe=lambda: Pipe(database_url, synchronous_commit=limits.synchronous_commit),
            settle=_settle,
        )
        self._throttle = Throttle(limits.source_rate)
        self._now_us = now_us
        self._came: list[Request] = []
        self._rare: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Returns also when the database is away: the door then answers 503 until it is there."""
        await self.writer.start()
        await self.keys.start()
        self.tallies.start()

    async def close(self) -> None:
        """Commit and answer what was accepted."""
        await self.writer.close()
        await self.tallies.close()
        await self.keys.close()

    def take(self, request: Request) -> None:
        """What comes in one turn of the loop is received together: the same code again and again,
        with nothing between, runs faster.
        """
        if not self._came:
            asyncio.get_running_loop().call_soon(self._receive_all)
        self._came.append(request)

    def _receive_all(self) -> None:
        came, self._came = self._came, []
        now_us = self._now_us()
        for request in came:
            route = ROUTES.get(request.path)
            if (
                route is None
                or request.method not in route.methods
                or not self._receive(request, route, now_us)
            ):
                task = asyncio.create_task(self._see_to(request, route))
                self._rare.add(task)  # the loop itself would forget it
                task.add_done_callback(self._rare.discard)

    async def _see_to(self, request: Request, route: Route | None) -> None:
        """What has to wait for more than its commit: a key that may be new, or a page."""
        try:
            if route is not None and request.method in route.methods:
                await self.keys.refresh()
                self._receive(request, route, self._now_us(), keys_are_fresh=True)
                return
            if request.method == "OPTIONS":
                asked = request.headers.get("access-control-request-headers")
                request.respond(204, preflight(request.headers.get("origin"), asked), b"")
                return
            answer = await pages.answer(self, request, known=route is not None)
        except Refused as refused:
            answer = refused.answer
        except Exception:
            answer = _failed(request)
        _respond(request, answer)

    def _receive(
        self, request: Request, route: Route, now_us: int, *, keys_are_fresh: bool = False
    ) -> bool:
        """False: its key is unknown, and may be new. Else it is answered, at the latest after the
        commit.

        Each microsecond here is one of every message: what is rare is behind a cheap test.
        """
        source = None
        try:
            header = request.headers.get("authorization")
            source = self.keys.by_header.get(header)
            if source is None and header is not None:
                source = self.keys.of_header(header)
                if source is None and header[:6].lower() == "basic " and not keys_are_fresh:
                    return False  # the key of the header goes before one in the body
            limit = self.limits.foreign_body if route.foreign else self.limits.body
            body = request.body
            if request.too_large or len(body) > limit:
                raise bodies.too_large(limit)
            if body[:1] != b"{" or not body.isascii():
                request.body = bodies.clean(bodies.inflate(body, limit=limit))
            parcel = route.read(request)
            if source is None:
                source = self.keys.get(parcel.key)
                if source is None:
                    if parcel.key and not keys_are_fresh:
                        return False
                    raise self._stranger(parcel.key or header)
            if source.require_signature:
                parcel = self._signed(parcel, source, request.headers.get(HEADER))
            if not parcel.n:
                _respond(request, route.done)
                return True
            pause = self._throttle.wait(source.id, parcel.n)
            if pause:
                raise refuse(429, "rate_limited", "this source sends too fast", retry_after=pause)
            record = self._record(route, parcel, source, request, now_us)
            self.writer.offer(record, (request, route.done))
        except Refused as refused:
            if source is not None and refused.answer.status in _FOR_GOOD:
                self.tallies.refuse(source.id, refused.messages)
            _respond(request, refused.answer)
        except Exception:
            _respond(request, _failed(request))
        return True

    def _stranger(self, key: str | None) -> Refused:
        if not self.keys.known:
            return later("database_unavailable", "the database is away; nothing was kept")
        if key:
            return refuse(401, "unknown_write_key", "invalid write key")
        return refuse(401, "no_write_key", "no write key: send it as the user name of Basic")

    def _signed(self, parcel: Parcel, source: Source, header: str | None) -> Parcel:
        left, refused = only_signed(
            parcel, secret=source.signing_secret, header=header, now=clock.now().timestamp()
        )
        if refused:
            self.tallies.refuse(source.id, refused)
        return left

    def _record(
        self, route: Route, parcel: Parcel, source: Source, request: Request, now_us: int
    ) -> Record:
        fields, body = request.headers, parcel.body
        ip = agent = None
        if source.kind in BROWSERS:
            ip, agent = self._address(request), fields.get("user-agent")
        elif body.find(b'"direct"') >= 0:
            found = self._address(request)
            ip = DIRECT + found if found else None
        gpc = "sec-gpc" in fields and callers.opted_out(fields["sec-gpc"])
        return Record(
            source.id,
            now_us,
            parcel.type,
            ip,
            gpc,
            body,
            parcel.ids,
            parcel.n,
            route.wire,
            agent[:500] if agent else None,
        )

    def _address(self, request: Request) -> str | None:
        proxies = self.limits.trusted_proxies
        return callers.address(request.client, request.headers, proxies=proxies)


def _settle(waiting: list[tuple[Request, Answer]], outcome: Outcome) -> None:
    """Answer all whose records were in one block; as a rule all the same."""
    plain = []
    for request, done in waiting:
        if outcome is None and done is ACCEPTED and "origin" not in request.headers:
            plain.append(request)
            continue
        try:
            _respond(request, done if outcome is None else outcome.answer)
        except Exception:
            log.exception("an answer failed")
    respond_all(plain, ACCEPTED.status, headers(ACCEPTED, None), ACCEPTED.body)


def _respond(request: Request, answer: Answer) -> None:
    fields = headers(answer, request.headers.get("origin"), method=request.method)
    request.respond(answer.status, fields, answer.body)


def _failed(request: Request) -> Answer:
    log.exception("a request failed: %s %s", request.method, request.path)
    return refuse(500, "failed", "the door failed; send it again").answer


# What clients drop for good when they are told so; 401 with a known source is a missing signature.
_FOR_GOOD = frozenset({400, 401, 413})
