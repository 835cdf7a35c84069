"""A real door on loopback, in a thread, with the real database behind it."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
import uvloop

from touchloop.collect import server
from touchloop.collect.door import Door
from touchloop.collect.limits import Limits
from touchloop.core import db
from touchloop.interactions import api as interactions
from touchloop.interactions.api import Envelope, Record, Rejected, Source


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Served:
    """The running door, with hands on its inside for tests that break something."""

    def __init__(self, limits: Limits, url: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._limits, self._url = limits, url
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: uvloop.run(self._main()), daemon=True)
        self._thread.start()
        assert self._ready.wait(60)
        self._wait_until_it_listens()

    async def _main(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self.door = Door(self._limits, database_url=self._url)
        await self.door.open()
        self._ready.set()
        await server.listen(
            self.door.take, host="127.0.0.1", port=self.port, stop=self._stop,
            largest=self._limits.foreign_body,
        )  # fmt: skip
        await self.door.close()

    def _wait_until_it_listens(self) -> None:
        for _ in range(3_000):
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise AssertionError("the door does not listen")

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)
        assert not self._thread.is_alive()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def send(
        self,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        method: str = "POST",
        headers: dict[str, str] | None = None,
    ) -> Reply:
        """One request; a body that is not bytes goes out as JSON."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        fields = dict(headers or {})
        if key is not None:
            fields["Authorization"] = basic(key)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body=data, headers=fields)
            answer = connection.getresponse()
            named = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, named, answer.read())
        finally:
            connection.close()


def basic(key: str) -> str:
    import base64

    return "Basic " + base64.b64encode(f"{key}:".encode()).decode()


@pytest.fixture
def serve(transactional_db: None) -> Iterator[Callable[..., Served]]:
    """Starts doors with the limits a test wants; all are stopped after it."""
    doors: list[Served] = []

    def start(*, url: str | None = None, **limits: Any) -> Served:
        doors.append(Served(Limits(**{"refresh_seconds": 0.3} | limits), url or db.url()))
        return doors[-1]

    yield start
    for door in doors:
        door.stop()


@pytest.fixture
def door(serve: Callable[..., Served]) -> Served:
    return serve()


@pytest.fixture
def source(transactional_db: None) -> Source:
    return interactions.create("Shop", kind="server")


@pytest.fixture
def browser(transactional_db: None) -> Source:
    return interactions.create("Web shop", kind="web")


def records() -> list[Record]:
    """What stands in the inbox, in order."""
    with db.connect() as conn:
        rows = conn.execute("SELECT payload FROM inbox ORDER BY id", binary=True).fetchall()
    return [record for (data,) in rows for record in interactions.unpack_block(bytes(data))]


def messages() -> list[Envelope]:
    """The usable messages of the inbox."""
    return [each for each in outcomes() if isinstance(each, Envelope)]


def outcomes() -> list[Envelope | Rejected]:
    return [each for record in records() for each in interactions.explode(record)]


def tallies() -> dict[tuple[int, str], int]:
    with db.connect() as conn:
        rows = conn.execute("SELECT source_id, outcome, sum(n)::int FROM tallies GROUP BY 1, 2")
        return {(source_id, outcome): n for source_id, outcome, n in rows.fetchall()}


def break_connections() -> int:
    """End every connection of doors, as a restart of the database would."""
    with psycopg.connect(db.url(), autocommit=True) as conn:
        return conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'touchloop collect'"
        ).rowcount
