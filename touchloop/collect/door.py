"""The door itself: authenticate, check limits, take in, answer after the commit."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from touchloop.collect import bodies, callers, pages
from touchloop.collect.answers import (
    Answer,
    Refused,
    headers,
    later,
    preflight,
    refuse,
)
from touchloop.collect.keys import Keys
from touchloop.collect.limits import Limits
from touchloop.collect.parcel import Parcel, Request, Route
from touchloop.collect.pipe import Pipe
from touchloop.collect.routes import ROUTES
from touchloop.collect.signed import HEADER, only_signed
from touchloop.collect.tallies import Tallies
from touchloop.collect.throttle import Throttle
from touchloop.collect.writer import Writer
from touchloop.core import clock
from touchloop.interactions.api import DIRECT, Record, Source

log = logging.getLogger("touchloop.collect")

BROWSERS = frozenset({"web", "mobile"})  # sources whose caller is the customer's own device


def now_us() -> int:
    """core.clock's instant as a number, without the objects on the way there."""
    return time.time_ns() // 1_000


class Door:
    """Everything that a request needs; `answer` is the RSGI application."""

    def __init__(
        self, limits: Limits, *, database_url: str, now_us: Callable[[], int] = now_us
    ) -> None:
        self.limits = limits
        self.keys = Keys(database_url, age=limits.refresh_seconds)
        self.tallies = Tallies(database_url)
        self.writer = Writer(
            limits,
            pipe=lambda: Pipe(database_url, synchronous_commit=limits.synchronous_commit),
        )
        self._throttle = Throttle(limits.source_rate)
        self._now_us = now_us

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

    async def answer(self, scope: Any, protocol: Any) -> None:
        fields, method = scope.headers, scope.method
        origin = fields.get("origin")
        try:
            route = ROUTES.get(scope.path)
            if route is not None and method in route.methods:
                answer = await self._receive(route, scope, fields, protocol)
            elif method == "OPTIONS":
                asked = fields.get("access-control-request-headers")
                protocol.response_empty(204, preflight(origin, asked))
                return
            else:
                answer = await pages.answer(self, scope, known=route is not None)
        except Refused as refused:
            answer = refused.answer
        except Exception:
            log.exception("a request failed: %s %s", method, scope.path)
            answer = refuse(500, "failed", "the door failed; send it again").answer
        if method == "HEAD":
            protocol.response_empty(answer.status, headers(answer, origin))
        else:
            fields = headers(answer, origin, method=method)
            protocol.response_bytes(answer.status, fields, answer.body)

    async def _receive(self, route: Route, scope: Any, fields: Any, protocol: Any) -> Answer:
        """Each microsecond here is one of every message: what is rare is behind a cheap test."""
        header = fields.get("authorization")
        source = self.keys.by_header.get(header)
        if source is None and header is not None:
            source = await self._source_of_header(header)
        try:
            limit = self.limits.foreign_body if route.foreign else self.limits.body
            told = fields.get("content-length")
            if told is not None and int(told) <= limit:  # the server has checked it is a number
                body = await protocol()
            else:
                drained = self.limits.drained
                body = await bodies.read(protocol, told=told, limit=limit, drained=drained)
            if body[:1] != b"{" or not body.isascii():
                body = bodies.clean(bodies.inflate(body, limit=limit))
            parcel = route.read(Request(scope, fields, body))
            if source is None:
                source = await self._source_of_key(parcel.key, header)
            if source.require_signature:
                parcel = self._signed(parcel, source, fields.get(HEADER))
            if not parcel.n:
                return route.done
            pause = self._throttle.wait(source.id, parcel.n)
            if pause:
                raise refuse(429, "rate_limited", "this source sends too fast", retry_after=pause)
            outcome = await self.writer.offer(self._record(route, parcel, source, scope, fields))
        except Refused as refused:
            if source is not None and refused.answer.status in _FOR_GOOD:
                self.tallies.refuse(source.id, refused.messages)
            raise
        if outcome is not None:
            raise outcome
        return route.done

    async def _source_of_header(self, header: str) -> Source | None:
        """None: the body may tell. An unknown key in the header may yet be one in the body."""
        source = self.keys.of_header(header)
        if source is None and header[:6].lower() == "basic ":
            await self.keys.refresh()
            source = self.keys.of_header(header)
        return source

    async def _source_of_key(self, key: str | None, header: str | None) -> Source:
        source = await self.keys.find(key)
        if source is not None:
            return source
        if not self.keys.known:
            raise later("database_unavailable", "the database is away; nothing was kept")
        if key or header:
            raise refuse(401, "unknown_write_key", "invalid write key")
        raise refuse(401, "no_write_key", "no write key: send it as the user name of Basic")

    def _signed(self, parcel: Parcel, source: Source, header: str | None) -> Parcel:
        left, refused = only_signed(
            parcel, secret=source.signing_secret, header=header, now=clock.now().timestamp()
        )
        if refused:
            self.tallies.refuse(source.id, refused)
        return left

    def _record(
        self, route: Route, parcel: Parcel, source: Source, scope: Any, fields: Any
    ) -> Record:
        body = parcel.body
        ip = agent = None
        if source.kind in BROWSERS:
            ip, agent = self._address(scope), fields.get("user-agent")
        elif body.find(b'"direct"') >= 0:
            found = self._address(scope)
            ip = DIRECT + found if found else None
        gpc = fields.get("sec-gpc") is not None and callers.opted_out(fields)
        return Record(
            source.id,
            self._now_us(),
            parcel.type,
            ip,
            gpc,
            body,
            parcel.ids,
            parcel.n,
            route.wire,
            agent[:500] if agent else None,
        )

    def _address(self, scope: Any) -> str | None:
        return callers.address(scope.client, scope.headers, proxies=self.limits.trusted_proxies)


# What clients drop for good when they are told so; 401 with a known source is a missing signature.
_FOR_GOOD = frozenset({400, 401, 413})
