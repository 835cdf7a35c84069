"""Whatever bytes come, the door answers something sensible, and goes on."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from touchloop.collect.routes import ROUTES
from touchloop.collect.tests.conftest import Served
from touchloop.interactions.api import Source

PATHS = st.sampled_from(sorted(ROUTES))
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
FIELDS = (
    "batch", "type", "userId", "event", "context", "properties", "traits", "writeKey", "data",
    "distinct_id", "messageId", "timestamp", "sentAt", "e", "ue_px", "cx", "$set", "uuid",
)  # fmt: skip
WORDS = st.sampled_from(FIELDS)
BODIES = (
    st.binary(max_size=400)
    | JSON.map(lambda value: json.dumps(value).encode())
    | st.dictionaries(WORDS, JSON).map(lambda value: json.dumps(value).encode())
    | st.lists(st.dictionaries(WORDS, JSON), max_size=4).map(
        lambda items: json.dumps({"batch": items, "data": items}).encode()
    )
)
FUZZ = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
ANSWERS = {200, 400, 401, 404, 405, 413, 429}


@pytest.fixture
def alive(door: Served, source: Source) -> Callable[[], bool]:
    def check() -> bool:
        message = {"event": "E", "userId": "u"}
        return door.send("/v1/track", message, key=source.write_key).status == 200

    return check


@FUZZ
@given(PATHS, BODIES, st.booleans(), st.booleans())
def test_any_body_gets_an_answer(
    door: Served,
    source: Source,
    alive: Callable[[], bool],
    path: str,
    body: bytes,
    known: bool,
    zipped: bool,
) -> None:
    sent = gzip.compress(body) if zipped else body
    method = "GET" if path.startswith("/pixel") else "POST"
    key = source.write_key if known else None
    assert door.send(path, sent, key=key, method=method).status in ANSWERS
    assert alive()


@pytest.mark.parametrize("value", ([], {}, [{}], 0, 1.5, True, None, ""), ids=repr)
def test_any_value_in_any_field_gets_an_answer(
    door: Served, source: Source, alive: Callable[[], bool], value: object
) -> None:
    good = {"userId": "u", "event": "E", "type": "track", "messageId": "m", "api_key": "k"}
    for path in sorted({path.rstrip("/") for path in ROUTES}):
        for name in FIELDS:
            one = good | {name: value}
            for body in (one, {"batch": [one], "data": [one]}, [one]):
                sent = json.dumps(body).encode()
                assert door.send(path, sent, key=source.write_key).status in ANSWERS, (path, name)
    assert alive()


HEADER = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"))


@FUZZ
@given(
    st.sampled_from(["authorization", "origin", "sec-gpc", "content-encoding", "content-type",
                     "x-forwarded-for", "access-control-request-headers", "host", "user-agent"]),
    HEADER,
    st.sampled_from(["POST", "OPTIONS", "GET", "HEAD", "PUT"]),
)  # fmt: skip
def test_any_header_gets_an_answer(
    door: Served, alive: Callable[[], bool], name: str, value: str, method: str
) -> None:
    line = f"{name}: {value}".encode("latin-1")
    request = b"%b /v1/track HTTP/1.1\r\n%b\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}"
    reply = raw(door, request % (method.encode(), line))
    assert reply == b"" or not reply.startswith(b"HTTP/1.1 5"), reply
    assert alive()


@FUZZ
@given(st.binary(max_size=300))
def test_any_bytes_leave_the_door_standing(
    door: Served, alive: Callable[[], bool], data: bytes
) -> None:
    assert not raw(door, data + b"\r\n\r\n").startswith(b"HTTP/1.1 5")
    assert alive()


def raw(door: Served, data: bytes) -> bytes:
    """What comes back for these bytes, within a short while."""
    with socket.create_connection(("127.0.0.1", door.port), timeout=5) as link:
        link.sendall(data)
        link.shutdown(socket.SHUT_WR)
        parts: list[Any] = []
        try:
            while part := link.recv(65_536):
                parts.append(part)
        except OSError:
            pass
        return b"".join(parts)
