"""The other wires, where their real clients (test_clients.py) do not go."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any
from urllib.parse import quote

import pytest

from touchloop.collect.tests.conftest import Served, basic, messages, records
from touchloop.interactions.api import Source


def event(**properties: Any) -> dict[str, Any]:
    return {"event": "Bought", "properties": {"distinct_id": "u1"} | properties}


def test_posthogs_browser_sends_a_list_a_form_or_gzip(door: Served, browser: Source) -> None:
    token = {"token": browser.write_key}
    listed = json.dumps([event(**token), event(**token)]).encode()
    assert door.send("/e/", listed).status == 200
    form = b"data=" + quote(base64.b64encode(json.dumps(event(**token)).encode())).encode()
    assert door.send("/e/?_=1750000000000", form).json == {"status": 1}
    zipped = gzip.compress(json.dumps(event(**token)).encode())
    assert door.send("/i/v0/e/?compression=gzip-js", zipped).status == 200
    assert [found.name for found in messages()] == ["Bought"] * 4
    assert {record.wire for record in records()} == {"posthog"}
    assert browser.write_key.encode() not in messages()[0].body


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (event(**{"$device_id": "u1"}), ("track", "", "u1")),
        (event(**{"$process_person_profile": False}), ("track", "", "u1")),
        (event(**{"$device_id": "d1"}), ("track", "u1", "d1")),
        (event() | {"event": "$identify", "$set": {"a": 1}}, ("identify", "u1", "")),
        (event(**{"$anon_distinct_id": "d1"}) | {"event": "$identify"}, ("identify", "u1", "d1")),
        (event(**{"$current_url": "https://x/"}) | {"event": "$pageview"}, ("page", "u1", "")),
        (event(**{"$screen_name": "Home"}) | {"event": "$screen"}, ("screen", "u1", "")),
        (event(alias="old") | {"event": "$create_alias"}, ("alias", "u1", "")),
    ],
)
def test_posthogs_events_become_ours(
    door: Served, source: Source, sent: dict[str, Any], expected: tuple[str, str, str]
) -> None:
    body = {"api_key": source.write_key, "batch": [sent | {"uuid": "m1"}]}
    assert door.send("/batch/", body).status == 200
    (found,) = messages()
    assert (found.type, found.user_id, found.anonymous_id) == expected
    assert found.message_id == "m1"


def test_there_are_no_flags(door: Served, source: Source) -> None:
    body = {"api_key": source.write_key, "distinct_id": "u1"}
    for path in ("/flags/?v=2", "/decide/?v=3"):
        reply = door.send(path, body)
        assert (reply.status, reply.json["flags"], reply.json["featureFlags"]) == (200, {}, {})
    assert records() == []


@pytest.mark.parametrize("way", ["aid", "query", "basic"])
def test_snowplows_write_key_has_three_places(door: Served, source: Source, way: str) -> None:
    data = {"e": "ti", "ti_id": "o1", "ti_sk": "s1", "duid": "d1", "dtm": "1750000000000"}
    path, headers = "/com.snowplowanalytics.snowplow/tp2", {}
    if way == "aid":
        data["aid"] = source.write_key
    elif way == "query":
        path += f"?writeKey={source.write_key}"
    else:
        headers["Authorization"] = basic(source.write_key)
    assert door.send(path, {"schema": "x", "data": [data]}, headers=headers).status == 200
    (found,) = messages()
    assert (found.name, found.anonymous_id) == ("Transaction Item", "d1")
    assert found.properties == {"order_id": "o1", "sku": "s1"}
    assert found.occurred_us == 1_750_000_000_000_000


def test_snowplows_documents_may_be_in_base64(door: Served, source: Source) -> None:
    inner = {"schema": "iglu:com.x/Added/jsonschema/1-0-0", "data": {"n": 1}}
    text = json.dumps({"schema": "x", "data": inner})
    for document in (
        {"ue_pr": text},
        {"ue_px": base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")},
    ):
        data = {"e": "ue", "uid": "u1", "aid": source.write_key} | document
        body = {"schema": "x", "data": [data]}
        assert door.send("/com.snowplowanalytics.snowplow/tp2", body).status == 200
    assert [(found.name, found.properties) for found in messages()] == [("Added", {"n": 1})] * 2


def test_snowplows_pixel(door: Served, browser: Source) -> None:
    address = f"/i?e=se&se_ac=Bought&aid={browser.write_key}&duid=d1&eid=m1&stm=1750000000000"
    reply = door.send(address, method="GET")
    assert (reply.status, reply.headers["content-type"]) == (200, "image/gif")
    (found,) = messages()
    assert (found.name, found.anonymous_id, found.message_id) == ("Bought", "d1", "m1")
    assert door.send("/i", method="GET").status == 401


@pytest.mark.parametrize("path", ["/api/s/track", "/api/s/s2s/track", "/api/s/event"])
def test_jitsus_key_is_in_its_header(door: Served, source: Source, path: str) -> None:
    headers = {"X-Write-Key": f"{source.write_key}:anything"}
    body = {"type": "track", "event": "Bought", "userId": "u1"}
    assert door.send(path, body, headers=headers).json == {"ok": True}
    assert messages()[0].name == "Bought"
    assert door.send(path, body, headers={"X-Write-Key": "no:no"}).status == 401


def test_an_event_of_jitsu_may_be_of_any_type(door: Served, source: Source) -> None:
    headers = {"X-Write-Key": source.write_key}
    body = {"type": "cart_seen", "userId": "u1"}
    assert door.send("/api/s/event", body, headers=headers).status == 200
    assert (messages()[0].type, messages()[0].name) == ("track", "cart_seen")


def test_rudders_pixel_and_beacon(door: Served, browser: Source) -> None:
    address = f"/pixel/v1/track?writeKey={browser.write_key}&anonymousId=a1&event=Opened&mail=7"
    reply = door.send(address, method="GET")
    assert (reply.status, reply.headers["content-type"]) == (200, "image/gif")
    assert reply.body.startswith(b"GIF89a")
    beacon = f"/beacon/v1/batch?writeKey={browser.write_key}"
    item = {"type": "page", "anonymousId": "a1"}
    assert door.send(beacon, {"batch": [item]}).status == 200
    first, second = messages()
    assert (first.name, first.properties) == ("Opened", {"mail": "7"})
    assert second.type == "page"


def test_what_the_browser_libraries_load_before_they_start(door: Served, browser: Source) -> None:
    key = browser.write_key
    rudder = door.send(f"/sourceConfig/?writeKey={key}&v=3", method="GET").json["source"]
    assert (rudder["enabled"], rudder["writeKey"], rudder["destinations"]) == (True, key, [])
    with_header = door.send("/sourceConfig", method="GET", key=key)
    assert with_header.json["source"]["id"] == rudder["id"]
    posthog = door.send(f"/array/{key}/config", method="GET").json
    assert (posthog["token"], posthog["hasFeatureFlags"]) == (key, False)
    script = door.send(f"/array/{key}/config.js", method="GET")
    assert script.headers["content-type"].startswith("text/javascript")
    assert key.encode() in script.body
    for path in ("/sourceConfig/?writeKey=nope", "/array/nope/config", "/array/nope/config.js"):
        assert door.send(path, method="GET").status == 404
