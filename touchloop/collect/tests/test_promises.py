"""Nothing acknowledged is lost, nobody waits for ever, and a no is said before taking anything."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from touchloop.collect.limits import Limits
from touchloop.collect.pipe import Pipe
from touchloop.collect.tests.conftest import Served, basic, break_connections, messages, records
from touchloop.collect.throttle import Throttle
from touchloop.collect.writer import Writer
from touchloop.core import db
from touchloop.interactions.api import Packed, Record, Source

TRACK: dict[str, Any] = {"event": "Bought", "userId": "u1"}


def some(n: int = 1, size: int = 10) -> Record:
    return Record(1, 0, None, None, False, b"x" * size, [""] * n, n, "segment")


def offered(writer: Writer[Any], record: Record) -> asyncio.Future[Any]:
    """What the writer will tell of the record."""
    told = asyncio.get_running_loop().create_future()
    writer.offer(record, told.set_result)
    return told


class Slow(Pipe):
    """A pipe whose commits a test can hold, fail, or count."""

    def __init__(self) -> None:
        super().__init__("", synchronous_commit=True)
        self.up = True
        self.blocks: list[int] = []
        self.gate: asyncio.Event | None = None
        self.error: Exception | None = None

    @property
    def connected(self) -> bool:
        return self.up

    async def connect(self) -> None:
        raise psycopg.OperationalError("away")

    async def put(self, blocks: Sequence[Packed], *, within: float) -> None:
        await asyncio.sleep(0)
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        self.blocks.append(sum(block.messages for block in blocks))

    async def close(self) -> None:
        self.up = False


def tell_all(waiting: list[Callable[[Any], None]], outcome: Any) -> None:
    for tell in waiting:
        tell(outcome)


def with_writer(check: Callable[[Writer[Any], list[Slow]], Any], **limits: Any) -> None:
    async def main() -> None:
        pipes: list[Slow] = []

        def pipe() -> Slow:
            pipes.append(Slow())
            return pipes[-1]

        writer: Writer[Any] = Writer(Limits(**limits), pipe=pipe, settle=tell_all)
        await writer.start()
        await asyncio.wait_for(check(writer, pipes), 20)
        await asyncio.wait_for(writer.close(), 20)

    asyncio.run(main())


def test_no_waiter_is_ever_stranded() -> None:
    """Requests that come at every possible moment of a flusher's turn are all answered."""

    async def check(writer: Writer[Any], pipes: list[Slow]) -> None:
        async def client(pauses: int) -> None:
            for turn in range(50):
                for _ in range((pauses * turn) % 7):
                    await asyncio.sleep(0)
                assert await asyncio.wait_for(offered(writer, some()), 5) is None

        await asyncio.gather(*(client(n) for n in range(40)))
        assert sum(sum(pipe.blocks) for pipe in pipes) == 2_000
        assert writer.messages == writer.bytes == 0

    with_writer(check)


def test_one_commit_serves_all_that_came_meanwhile() -> None:
    async def check(writer: Writer[Any], pipes: list[Slow]) -> None:
        (pipe,) = pipes
        pipe.gate = asyncio.Event()
        first = offered(writer, some())
        await asyncio.sleep(0.01)
        others = [offered(writer, some()) for _ in range(100)]
        pipe.gate.set()
        await asyncio.gather(first, *others)
        assert pipe.blocks == [1, 100]

    with_writer(check, connections=1)


def test_after_a_block_of_many_the_next_one_is_held_open() -> None:
    async def check(writer: Writer[Any], pipes: list[Slow]) -> None:
        waiting = [offered(writer, some()) for _ in range(3)]
        for _ in range(20):  # these come one by one, and find a connection that is free
            await asyncio.sleep(0)
            waiting.append(offered(writer, some()))
        await asyncio.gather(*waiting)
        assert sorted(size for pipe in pipes for size in pipe.blocks) == [3, 20]

    with_writer(check, many_requests=3, hold_seconds=0.05)


def test_blocks_are_bounded() -> None:
    async def check(writer: Writer[Any], pipes: list[Slow]) -> None:
        (pipe,) = pipes
        pipe.gate = asyncio.Event()
        waiting = [offered(writer, some(30)) for _ in range(20)]
        pipe.gate.set()
        await asyncio.gather(*waiting)
        assert max(pipe.blocks) <= 100
        assert sum(pipe.blocks) == 600

    with_writer(check, connections=1, block_messages=100)


def test_a_full_queue_says_429_before_taking_anything() -> None:
    async def check(writer: Writer[Any], pipes: list[Slow]) -> None:
        (pipe,) = pipes
        pipe.gate = asyncio.Event()
        taken = [offered(writer, some(10)) for _ in range(10)]
        with pytest.raises(Exception) as refused:
            offered(writer, some(1))
        answer = refused.value.answer  # type: ignore[attr-defined]
        assert (answer.status, answer.retry_after) == (429, 1)
        pipe.gate.set()
        assert await asyncio.gather(*taken) == [None] * 10
        assert await offered(writer, some(1)) is None

    with_writer(check, connections=1, waiting_messages=100)


def test_a_full_disk_says_503_and_heals_by_itself() -> None:
    async def check(writer: Writer[Any], pipes: list[Slow]) -> None:
        for pipe in pipes:
            pipe.error = psycopg.errors.DiskFull("no space left on device")
        outcome = await offered(writer, some())
        assert outcome is not None
        assert (outcome.answer.status, outcome.answer.retry_after) == (503, 5)
        assert json.loads(outcome.answer.body)["code"] == "disk_full"
        assert all(pipe.up for pipe in pipes)
        for pipe in pipes:
            pipe.error = None
        assert await offered(writer, some()) is None
        assert writer.complaint == ""

    with_writer(check)


def test_a_lost_connection_empties_the_queue_with_503() -> None:
    async def check(writer: Writer[Any], pipes: list[Slow]) -> None:
        gate = asyncio.Event()
        for pipe in pipes:
            pipe.gate, pipe.error = gate, psycopg.OperationalError("gone")
        waiting = [offered(writer, some(40)) for _ in range(10)]
        gate.set()
        outcomes = await asyncio.gather(*waiting)
        assert {outcome.answer.status for outcome in outcomes if outcome} == {503}
        assert None not in outcomes
        with pytest.raises(Exception) as refused:
            offered(writer, some())
        assert refused.value.answer.status == 503  # type: ignore[attr-defined]

    with_writer(check, block_messages=100)


def test_the_throttle_says_when_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    throttle = Throttle(100)
    assert throttle.wait(1, 100) == 0
    assert throttle.wait(2, 100) == 0
    throttle.wait(1, 100)
    assert throttle.wait(1, 50) == 1
    clock[0] += 1
    assert throttle.wait(1, 50) == 0
    clock[0] += 10
    assert throttle.wait(1, 5_000) == 0  # more than a bucket holds passes a full one


def test_a_noisy_source_is_slowed_and_told_so(
    serve: Callable[..., Served], source: Source, browser: Source
) -> None:
    door = serve(source_rate=10)
    replies = [door.send("/v1/track", TRACK, key=source.write_key) for _ in range(40)]
    refused = [reply for reply in replies if reply.status == 429]
    assert refused
    assert refused[0].json["code"] == "rate_limited"
    assert int(refused[0].headers["retry-after"]) >= 1
    assert refused[0].headers["x-ratelimit-reset"] == refused[0].headers["retry-after"]
    assert door.send("/v1/track", TRACK, key=browser.write_key).status == 200
    assert len(messages()) == len(replies) - len(refused) + 1


def test_a_restarted_database_costs_nothing_acknowledged(door: Served, source: Source) -> None:
    """Connections are cut again and again under load; what was answered 200 stands in the inbox."""
    acknowledged: list[str] = []
    refused = []
    stop = threading.Event()

    def client(number: int) -> None:
        for turn in range(10_000):
            if stop.is_set():
                return
            name = f"{number}-{turn}"
            reply = door.send("/v1/track", TRACK | {"messageId": name}, key=source.write_key)
            if reply.status == 200:
                acknowledged.append(name)
            else:
                assert reply.status == 503
                assert int(reply.headers["retry-after"]) >= 1
                refused.append(name)

    with ThreadPoolExecutor(8) as pool:
        clients = [pool.submit(client, number) for number in range(8)]
        for _ in range(12):
            time.sleep(0.1)
            break_connections()
        time.sleep(0.3)
        stop.set()
    for each in clients:
        each.result()
    stored = {message.message_id for message in messages()}
    assert set(acknowledged) <= stored
    assert len(acknowledged) > 50
    assert door.send("/v1/track", TRACK, key=source.write_key).status == 200


def test_a_door_that_starts_before_its_database_says_503(serve: Callable[..., Served]) -> None:
    door = serve(url="postgresql://nobody@/nothing?host=/nowhere")
    reply = door.send("/v1/track", TRACK, key="k")
    assert reply.status == 503
    assert int(reply.headers["retry-after"]) >= 1
    health = door.send("/health", method="GET")
    assert (health.status, health.json["database"]) == (503, "down")
    assert door.send("/", method="GET").status == 200


def test_sigterm_answers_what_was_accepted_and_ends(source: Source) -> None:
    program = (
        "from touchloop.cli import runtime; runtime.setup_django();"
        "from touchloop.collect import app; import sys;"
        "app.serve(port=int(sys.argv[1]), database_url=sys.argv[2])"
    )
    port = _free_port()
    process = subprocess.Popen([sys.executable, "-c", program, str(port), db.url()])
    try:
        _wait_for(port)
        acknowledged: list[int] = []
        closed = threading.Event()

        def client() -> None:
            while not closed.is_set():
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
                try:
                    headers = {"Authorization": basic(source.write_key)}
                    connection.request("POST", "/v1/track", json.dumps(TRACK), headers)
                    acknowledged.append(connection.getresponse().status)
                except (OSError, http.client.HTTPException):
                    return
                finally:
                    connection.close()

        with ThreadPoolExecutor(4) as pool:
            for _ in range(4):
                pool.submit(client)
            give_up = time.monotonic() + 60
            while acknowledged.count(200) <= 10 and time.monotonic() < give_up:
                time.sleep(0.02)
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
            closed.set()
        assert acknowledged.count(200) > 10
        assert set(acknowledged) <= {200, 503}
        assert sum(record.n for record in records()) >= acknowledged.count(200)
    finally:
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)


def test_two_processes_may_share_a_port_and_none_outlives_the_first(source: Source) -> None:
    program = (
        "from touchloop.cli import runtime; runtime.setup_django();"
        "from touchloop.collect import app; import sys;"
        "app.serve(port=int(sys.argv[1]), database_url=sys.argv[2], workers=2)"
    )
    port = _free_port()
    process = subprocess.Popen([sys.executable, "-c", program, str(port), db.url()])
    try:
        _wait_for(port)
        process.kill()
        process.wait(60)
        for _ in range(600):
            if not _listens(port):
                return
            time.sleep(0.1)
        raise AssertionError("a worker goes on without its parent")
    finally:
        process.kill()


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    import socket

    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _wait_for(port: int) -> None:
    for _ in range(600):
        if _listens(port):
            return
        time.sleep(0.05)
    raise AssertionError("the door does not start")
