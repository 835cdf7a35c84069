"""The wire contract, through the real door: every row is a promise to some client library."""

from __future__ import annotations

import base64
import gzip
import json
import time
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from touchloop.collect.tests.conftest import (
    Served,
    basic,
    messages,
    outcomes,
    records,
    tallies,
)
from touchloop.interactions import api as interactions
from touchloop.interactions.api import Rejected, Source

TRACK: dict[str, Any] = {"event": "Bought", "userId": "u1"}
SINGLE: dict[str, dict[str, Any]] = {
    "identify": {"userId": "u1", "traits": {"plan": "x"}},
    "track": TRACK,
    "page": {"anonymousId": "a1", "name": None, "properties": {"path": "/"}},
    "screen": {"anonymousId": "a1", "name": "Home"},
    "group": {"userId": "u1", "groupId": "g1"},
    "alias": {"userId": "u1", "previousId": "a1"},
}


@pytest.mark.parametrize("type", sorted(SINGLE))
def test_each_type_has_its_path_and_its_short_one(door: Served, source: Source, type: str) -> None:
    for path in (f"/v1/{type}", f"/v1/{type[0]}"):
        reply = door.send(path, SINGLE[type] | {"messageId": path}, key=source.write_key)
        assert (reply.status, reply.json) == (200, {"success": True})
    assert [(m.type, m.message_id) for m in messages()] == [
        (type, f"/v1/{type}"),
        (type, f"/v1/{type[0]}"),
    ]


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/b", "/v1/import", "/batch", "/b"])
def test_batches_have_five_paths(door: Served, source: Source, path: str) -> None:
    items = [{"type": type} | message for type, message in SINGLE.items()]
    assert door.send(path, {"batch": items}, key=source.write_key).status == 200
    assert [m.type for m in messages()] == list(SINGLE)
    (record,) = records()
    assert (record.n, record.wire, record.source_id) == (6, "segment", source.id)
    assert all(record.ids)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Authorization": "basic"}, TRACK),
        ({}, TRACK | {"writeKey": "key"}),
        ({"Authorization": "Bearer abc"}, TRACK | {"writeKey": "key"}),
        ({"Authorization": "basic"}, TRACK | {"writeKey": "key"}),
        ({}, {"writeKey": "key", "batch": [TRACK | {"type": "track"}]}),
        ({}, {"batch": [TRACK | {"type": "track", "writeKey": "key"}]}),
    ],
)
def test_a_write_key_comes_in_any_of_its_places(
    door: Served, source: Source, headers: dict[str, str], body: dict[str, Any]
) -> None:
    text = json.dumps(body).replace('"key"', f'"{source.write_key}"').encode()
    headers = {n: basic(source.write_key) if v == "basic" else v for n, v in headers.items()}
    path = "/v1/batch" if "batch" in body else "/v1/track"
    assert door.send(path, text, headers=headers).status == 200
    assert len(messages()) == 1
    assert source.write_key.encode() not in messages()[0].body


@pytest.mark.parametrize(
    ("key", "body", "code"),
    [
        (None, TRACK, "no_write_key"),
        ("nope", TRACK, "unknown_write_key"),
        (None, TRACK | {"writeKey": "nope"}, "unknown_write_key"),
    ],
)
def test_strangers_are_told_so(
    door: Served, key: str | None, body: dict[str, Any], code: str
) -> None:
    reply = door.send("/v1/track", body, key=key)
    assert (reply.status, reply.json["code"]) == (401, code)
    assert "www-authenticate" in reply.headers
    assert records() == []


def test_no_visitor_of_a_shop_is_asked_for_a_password(door: Served) -> None:
    """On a first-party host a browser would open a window for it, were it told the scheme."""
    reply = door.send("/v1/t", TRACK, key="nope", headers={"Origin": "https://shop.example"})
    assert (reply.status, "www-authenticate" in reply.headers) == (401, False)
    pixel = door.send("/pixel/v1/track?writeKey=nope&userId=u1&event=E", method="GET")
    assert (pixel.status, "www-authenticate" in pixel.headers) == (401, False)


def test_a_new_source_is_known_at_once_and_a_closed_one_soon_is_not(door: Served) -> None:
    fresh = interactions.create("Fresh", kind="web")
    assert door.send("/v1/track", TRACK, key=fresh.write_key).status == 200
    interactions.update(fresh.id, enabled=False)
    time.sleep(1.0)
    assert door.send("/v1/track", TRACK, key=fresh.write_key).status == 401


def test_our_own_source_is_not_for_senders(door: Served) -> None:
    own = interactions.ensure("touchloop", name="Touchloop", kind="system", trusted=True)
    assert door.send("/v1/track", TRACK, key=own.write_key).status == 401


def nested(levels: int) -> bytes:
    inner = b"[" * levels + b"]" * levels
    return b'{"event":"E","userId":"u","properties":{"a":' + inner + b"}}"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "bad_json"),
        (b"{", 400, "bad_json"),
        (b"null", 400, "bad_json"),
        (b"[1]", 400, "bad_json"),
        (b'{"event":"E","userId":"u","x":NaN}', 400, "bad_json"),
        (b'{"event":"E","userId":"\xff"}', 400, "bad_utf8"),
        (b'{"event":"E","userId":"a\x00b"}', 400, "bad_json"),
        (rb'{"event":"E","userId":"a\u0000b"}', 400, "nul"),
        (nested(63), 400, "too_deep"),
        (nested(100_000)[:32_000], 400, "too_deep"),
        (b'{"event":"E"}', 400, "no_user_anon_id"),
        (b'{"event":"E","userId":null,"anonymousId":""}', 400, "no_user_anon_id"),
        (b'{"event":"E","userId":{}}', 400, "bad_field"),
        (b'{"event":"E","userId":[1]}', 400, "bad_field"),
        (b'{"event":"","userId":"u"}', 400, "bad_event"),
        (b'{"userId":"u"}', 400, "bad_event"),
        (b'{"event":7,"userId":"u"}', 400, "bad_event"),
        (b'{"event":"E","userId":"u","properties":[]}', 400, "bad_field"),
        (b'{"event":"E","userId":"u","timestamp":"soon"}', 400, "bad_timestamp"),
        (json.dumps(TRACK | {"messageId": "m" * 101}).encode(), 400, "message_id_too_long"),
        (json.dumps(TRACK | {"properties": {"x": "y" * 33_000}}).encode(), 413, "too_large"),
        (
            json.dumps(TRACK | {"properties": {f"p{n}": n for n in range(10_000)}}).encode(),
            413,
            "too_large",
        ),
        (b" " * (501 * 1024), 413, "too_large"),
        (gzip.compress(b"x" * 60_000_000, mtime=0), 413, "too_large"),
        (gzip.compress(b"{}" * 100, mtime=0)[:20], 400, "bad_gzip"),
        (b"\x1f\x8bnot gzip at all", 400, "bad_gzip"),
    ],
)
def test_what_is_wrong_for_good_is_refused_and_counted(
    door: Served, source: Source, body: bytes, status: int, code: str
) -> None:
    reply = door.send("/v1/track", body, key=source.write_key)
    assert (reply.status, reply.json["code"]) == (status, code)
    assert reply.json["message"]
    assert records() == []
    for _ in range(40):
        if tallies():
            break
        time.sleep(0.1)
    assert tallies() == {(source.id, "sent"): 1, (source.id, "refused"): 1}


def test_one_bad_item_never_costs_the_batch(door: Served, source: Source) -> None:
    good = TRACK | {"type": "track"}
    items = [
        good,
        {"type": "track"},
        {"type": "nonsense", "userId": "u"},
        good | {"userId": {}},
        good | {"messageId": 7},
        good | {"properties": {"x": "y" * 33_000}},
        good | {"properties": {"x": "\0"}},
        "text",
        None,
        good,
    ]
    assert door.send("/v1/batch", {"batch": items}, key=source.write_key).status == 200
    found = outcomes()
    assert [each.reason if isinstance(each, Rejected) else "good" for each in found] == [
        "good", "missing_id", "bad_type", "bad_field", "bad_field", "too_large", "nul",
        "bad_json", "bad_json", "good",
    ]  # fmt: skip


def test_too_many_items_are_accepted_and_set_aside(door: Served, source: Source) -> None:
    item = {"type": "track", "event": "E", "userId": "u"}
    assert door.send("/v1/batch", {"batch": [item] * 2_600}, key=source.write_key).status == 200
    assert sum(isinstance(each, Rejected) for each in outcomes()) == 100


@pytest.mark.parametrize("body", [{"batch": "x"}, {"batch": {}}, {}, [], {"event": "E"}])
def test_what_is_no_batch_is_refused(door: Served, source: Source, body: Any) -> None:
    assert door.send("/v1/batch", body, key=source.write_key).status == 400


def test_an_empty_batch_is_nothing(door: Served, source: Source) -> None:
    assert door.send("/v1/batch", {"batch": []}, key=source.write_key).status == 200
    assert records() == []


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=utf-8",
        "x",
    ],
)
def test_the_content_type_is_not_believed(
    door: Served, source: Source, content_type: str | None
) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    assert door.send("/v1/t", TRACK, key=source.write_key, headers=headers).status == 200


@pytest.mark.parametrize("encoding", [None, "gzip", "x-gzip", "identity"])
@pytest.mark.parametrize("press", [gzip.compress, zlib.compress, bytes])
def test_compression_is_known_by_its_bytes(
    door: Served, source: Source, encoding: str | None, press: Callable[[bytes], bytes]
) -> None:
    headers = {"Content-Encoding": encoding} if encoding else {}
    body = press(json.dumps(TRACK).encode())
    assert door.send("/v1/track", body, key=source.write_key, headers=headers).status == 200
    assert messages()[0].name == "Bought"


def test_half_an_emoji_is_mended(door: Served, source: Source) -> None:
    body = (
        rb'{"event":"E","userId":"u","properties":{"a":"\ud83d","b":"\ud83d\ude00","c":"\\ud83d"}}'
    )
    assert door.send("/v1/track", body, key=source.write_key).status == 200
    batch = b'{"batch":[' + body.replace(b'"event"', b'"type":"track","event"') + b"]}"
    assert door.send("/v1/batch", batch, key=source.write_key).status == 200
    for found in messages():
        assert found.properties == {"a": "\ufffd", "b": "😀", "c": "\\ud83d"}


def test_a_body_in_pieces_is_bounded_too(door: Served, source: Source) -> None:
    import http.client

    def send(size: int) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", door.port, timeout=30)
        body = json.dumps({"batch": [TRACK | {"type": "track"}], "pad": "x" * size}).encode()
        parts = [body[n : n + 50_000] for n in range(0, len(body), 50_000)]
        headers = {"Authorization": basic(source.write_key)}
        connection.request("POST", "/v1/batch", iter(parts), headers, encode_chunked=True)
        return connection.getresponse().status

    assert send(100) == 200
    assert send(2_000_000) == 413


def test_unknown_paths_and_methods(door: Served, source: Source) -> None:
    assert door.send("/v1/nothing", TRACK, key=source.write_key).status == 404
    assert door.send("/v1/track", method="GET").status == 405
    assert door.send("/v1/batch", b"", method="DELETE").status == 405
    assert door.send("/health", b"", method="POST").status == 405
    assert door.send("/v1/track/", TRACK, key=source.write_key).status == 200


def test_any_page_may_send(door: Served, source: Source) -> None:
    origin = {"Origin": "https://shop.example"}
    asked = "authorization,content-type,x-retry-count,x-something-new"
    reply = door.send(
        "/v1/t", method="OPTIONS", headers=origin | {"Access-Control-Request-Headers": asked}
    )
    assert reply.status == 204
    assert reply.headers["access-control-allow-origin"] == "https://shop.example"
    for name in asked.split(","):
        assert name in reply.headers["access-control-allow-headers"]
    assert "POST" in reply.headers["access-control-allow-methods"]
    for body, status in ((TRACK, 200), ({}, 400)):
        reply = door.send("/v1/t", body, key=source.write_key, headers=origin)
        assert reply.status == status
        assert reply.headers["access-control-allow-origin"] == "https://shop.example"


def test_the_browsers_settings(door: Served, browser: Source) -> None:
    reply = door.send(f"/v1/projects/{browser.write_key}/settings", method="GET")
    segment = reply.json["integrations"]["Segment.io"]
    assert segment["apiKey"] == browser.write_key
    assert segment["apiHost"] == f"127.0.0.1:{door.port}/v1"
    assert segment["protocol"] == "http"
    assert door.send("/v1/projects/nope/settings", method="GET").status == 404


def test_health_and_the_front_page(door: Served) -> None:
    assert door.send("/health", method="GET").json["status"] == "ready"
    assert b"Touchloop" in door.send("/", method="GET").body
    assert door.send("/health", method="HEAD").body == b""


def test_the_address_is_filled_in_for_browsers_and_those_who_ask(
    door: Served, source: Source, browser: Source
) -> None:
    direct = TRACK | {"context": {"direct": True}}
    own = TRACK | {"context": {"ip": "9.9.9.9"}}
    for key, body in (
        (source.write_key, TRACK),
        (source.write_key, direct),
        (browser.write_key, TRACK),
        (browser.write_key, own),
    ):
        forged = {"X-Forwarded-For": "6.6.6.6"}
        assert door.send("/v1/track", body, key=key, headers=forged).status == 200
    assert [m.ip for m in messages()] == [None, "127.0.0.1", "127.0.0.1", "9.9.9.9"]


def test_a_listed_proxy_is_believed(serve: Callable[..., Served], browser: Source) -> None:
    import ipaddress

    door = serve(trusted_proxies=(ipaddress.ip_network("127.0.0.0/8"),))
    forwarded = {"X-Forwarded-For": "6.6.6.6, 203.0.113.9"}
    assert door.send("/v1/t", TRACK, key=browser.write_key, headers=forwarded).status == 200
    stripped = forwarded | {"X-IP-Policy": "stripLastOctet"}
    assert door.send("/v1/t", TRACK, key=browser.write_key, headers=stripped).status == 200
    assert [m.ip for m in messages()] == ["203.0.113.9", "203.0.113.0"]


@pytest.mark.parametrize(
    ("values", "counts"),
    [
        (["1"], True), (["1,1"], True), (["1, 1"], True), (["0,1"], True), (["0", "1"], True),
        (["1", "1"], True), ([" 1"], True), (["0"], False), (["true"], False), (["01"], False),
        (["1.0"], False), (['"1"'], False), (["?1"], False), (["1;x"], False), ([""], False),
        (["yes"], False), (["11"], False), (["+1"], False), (["1 1"], False), ([], False),
    ],
)  # fmt: skip
def test_global_privacy_control_counts_only_as_exactly_one(
    door: Served, browser: Source, values: list[str], counts: bool
) -> None:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", door.port, timeout=30)
    body = json.dumps(TRACK).encode()
    connection.putrequest("POST", "/v1/track")
    connection.putheader("Authorization", basic(browser.write_key))
    connection.putheader("Content-Length", str(len(body)))
    for value in values:
        connection.putheader("Sec-GPC", value)
    connection.endheaders(body)
    assert connection.getresponse().status == 200
    assert messages()[0].gpc is counts


def test_clocks_years_off_are_set_right(door: Served, source: Source) -> None:
    body = TRACK | {"timestamp": "1999-12-31T23:00:00Z", "sentAt": "2000-01-01T00:00:00Z"}
    assert door.send("/v1/track", body, key=source.write_key).status == 200
    (found,) = messages()
    assert (found.received_at - found.occurred_at).total_seconds() == 3600


def test_keys_of_the_form_key_and_secret(door: Served, source: Source) -> None:
    both = base64.b64encode(f"{source.write_key}:secret".encode()).decode()
    headers = {"Authorization": f"Basic {both}"}
    assert door.send("/v1/track", TRACK, headers=headers).status == 200
