from __future__ import annotations

import json
from typing import Any
from unittest import mock

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from touchloop.interactions import envelope, judging, occurrence, strict
from touchloop.interactions.envelope import Envelope, Rejected, alone, check, explode
from touchloop.interactions.record import (
    DIRECT,
    Record,
    pack,
    pack_block,
    unpack,
    unpack_block,
)

RECEIVED = 1_750_000_000_000_000
HOUR = 3_600_000_000


def record(body: Any, type: str | None = None, **changes: Any) -> Record:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    n = len(body["batch"]) if type is None and isinstance(body, dict) else 1
    given = Record(
        1, RECEIVED, type, None, False, text, [f"door-{i}" for i in range(n)], n, "segment"
    )
    return msgspec.structs.replace(given, **changes)


def one(message: Any, type: str | None = None, **changes: Any) -> Envelope | Rejected:
    body = message if type else {"batch": [message]}
    (found,) = explode(record(body, type, **changes))
    return found


def good(message: Any, type: str | None = None, **changes: Any) -> Envelope:
    found = one(message, type, **changes)
    assert isinstance(found, Envelope), found
    return found


def reason(message: Any, type: str | None = None) -> str:
    found = one(message, type)
    assert isinstance(found, Rejected), found
    return found.reason


TRACK: dict[str, Any] = {"type": "track", "event": "Product Viewed", "userId": "u1"}


def test_a_track_says_what_who_and_when() -> None:
    found = good(
        TRACK
        | {
            "anonymousId": None,
            "messageId": "m1",
            "timestamp": "2025-06-15T10:00:00.5Z",
            "properties": {"price": 2.5},
            "context": {"userAgent": "ua", "traits": {"email": "a@b.c"}, "ip": "9.9.9.9"},
            "_metadata": {"bundled": []},
        }
    )
    assert (found.type, found.name, found.user_id, found.anonymous_id) == (
        "track",
        "Product Viewed",
        "u1",
        "",
    )
    assert found.message_id == "m1"
    assert found.occurred_at.isoformat() == "2025-06-15T10:00:00.500000+00:00"
    assert found.properties == {"price": 2.5}
    assert found.traits == {"email": "a@b.c"}
    assert (found.ip, found.user_agent) == ("9.9.9.9", "ua")


def test_identify_takes_its_traits_from_the_context_when_it_has_none_itself() -> None:
    in_context = {"type": "identify", "userId": "u1", "context": {"traits": {"plan": "x"}}}
    assert good(in_context).traits == {"plan": "x"}
    assert good(in_context | {"traits": {"plan": "y"}}).traits == {"plan": "y"}
    assert good(in_context | {"traits": {}}).traits == {"plan": "x"}


def test_the_path_says_the_type() -> None:
    found = good({"type": "identify", "event": "E", "userId": "u"}, "track")
    assert found.type == "track"


def test_numbers_as_ids_are_written_out() -> None:
    found = good({"type": "group", "userId": 12345678901234567890, "groupId": 7})
    assert (found.user_id, found.group_id) == ("12345678901234567890", "7")


def test_alias_group_and_external_ids() -> None:
    alias = good({"type": "alias", "userId": "new", "previousId": "old"})
    assert alias.previous_id == "old"
    ids = [
        {"id": "77", "type": "card", "collection": "users", "encoding": "none"},
        {"id": 5, "type": "till"},
        {"type": "broken"},
    ]
    found = good(TRACK | {"context": {"externalIds": ids, "groupId": "g1"}})
    assert found.external_ids == (("card", "77"), ("till", "5"))
    assert found.group_id == "g1"


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (TRACK | {"userId": None}, "missing_id"),
        (TRACK | {"userId": ""}, "missing_id"),
        (TRACK | {"userId": {"a": 1}}, "bad_field"),
        (TRACK | {"userId": True}, "bad_field"),
        (TRACK | {"anonymousId": ["x"]}, "bad_field"),
        (TRACK | {"messageId": 7}, "bad_field"),
        (TRACK | {"messageId": "m" * 101}, "message_id_too_long"),
        (TRACK | {"userId": "u" * 501}, "id_too_long"),
        (TRACK | {"event": None}, "bad_event"),
        (TRACK | {"event": 5}, "bad_event"),
        (TRACK | {"event": "e" * 501}, "bad_event"),
        (TRACK | {"type": "purchase"}, "bad_type"),
        (TRACK | {"type": None}, "bad_type"),
        (TRACK | {"type": 3}, "bad_type"),
        (TRACK | {"properties": [1]}, "bad_field"),
        (TRACK | {"properties": "x"}, "bad_field"),
        (TRACK | {"timestamp": "yesterday"}, "bad_timestamp"),
        (TRACK | {"timestamp": {"at": 1}}, "bad_timestamp"),
        (TRACK | {"properties": {"x": "a\0b"}}, "nul"),
        (TRACK | {"properties": {"x": "y" * 33_000}}, "too_large"),
        ({"type": "alias", "userId": "u"}, "missing_id"),
        ({"type": "group", "userId": "u"}, "missing_id"),
        ("text", "bad_json"),
        (5, "bad_json"),
        (None, "bad_json"),
    ],
)
def test_what_cannot_be_used_says_why(message: Any, why: str) -> None:
    assert reason(message) == why


def test_one_bad_item_does_not_touch_its_neighbours() -> None:
    found = explode(record({"batch": [TRACK, {"type": "track"}, TRACK]}))
    assert [type(each) for each in found] == [Envelope, Rejected, Envelope]
    assert [each.index for each in found] == [0, 1, 2]
    assert found[1].message_id == "door-1"


def test_fields_of_no_importance_may_be_of_any_type() -> None:
    found = good({"type": "page", "userId": "u", "name": 5, "category": [], "sentAt": {}})
    assert found.name == ""
    found = good(TRACK | {"context": {"ip": 5, "direct": "x", "traits": {"a": 1}}})
    assert (found.ip, found.traits) == (None, {"a": 1})


def test_nesting_is_capped() -> None:
    def nested(levels: int) -> bytes:
        return b'{"type":"track","event":"E","userId":"u","properties":{"a":%s}}' % (
            b"[" * levels + b"]" * levels
        )

    assert not isinstance(check(nested(62), "track"), Rejected)
    for levels in (63, 500, 5_000):
        found = check(nested(levels), "track")
        assert isinstance(found, Rejected)
        assert found.reason == "too_deep"
    flat = TRACK | {"properties": {"items": [{"a": [1], "b": "{[{["}] * 200}}
    assert isinstance(one(flat), Envelope)


def test_an_escaped_backslash_before_u0000_is_not_nul() -> None:
    assert good(TRACK | {"properties": {"x": "\\u0000"}}).properties == {"x": "\\u0000"}


def test_over_count_items_are_rejected_one_by_one() -> None:
    found = explode(record({"batch": [TRACK] * 2_502}))
    assert [each.reason for each in found if isinstance(each, Rejected)] == ["too_many"] * 2


@pytest.mark.parametrize(
    ("message", "batch", "expected"),
    [
        ({}, {}, RECEIVED),
        ({"timestamp": RECEIVED // 1_000_000 - 3600}, {}, RECEIVED - HOUR),
        ({"timestamp": RECEIVED // 1_000 + 4 * 60_000}, {}, RECEIVED + 240_000_000),
        ({"timestamp": RECEIVED // 1_000 + 6 * 60_000}, {}, RECEIVED),
        ({"timestamp": "2031-01-01", "sentAt": "2031-01-01T01:00:00Z"}, {}, RECEIVED - HOUR),
        ({"timestamp": "1999-01-01"}, {"sentAt": "1999-01-01T01:00:00Z"}, RECEIVED - HOUR),
        ({"originalTimestamp": "2031-01-01T00:00:00+00:00", "timestamp": "1970-01-01T00:00:00Z",
          "sentAt": "2031-01-01T01:00:00+00:00"}, {}, RECEIVED - HOUR),
        ({"timestamp": "2025-06-15T10:00:00"}, {}, 1_749_981_600_000_000),
        ({"timestamp": "2025-06-15t10:00:00z"}, {}, 1_749_981_600_000_000),
        ({"timestamp": "Sun, 15 Jun 2025 10:00:00 GMT"}, {}, 1_749_981_600_000_000),
        ({"timestamp": "0001-01-01T00:00:00Z"}, {}, RECEIVED),
        ({"timestamp": "2025-06-15T10:00:00Z", "sentAt": "0001-01-01T00:00:00Z"}, {}, RECEIVED),
        ({"timestamp": "2025-06-15T10:00:00Z", "sentAt": "never"}, {}, 1_749_981_600_000_000),
    ],
)  # fmt: skip
def test_the_senders_clock_is_corrected(
    message: dict[str, Any], batch: dict[str, Any], expected: int
) -> None:
    (found,) = explode(record({"batch": [TRACK | message]} | batch))
    assert isinstance(found, Envelope)
    assert found.occurred_us == expected


@given(st.text(max_size=40) | st.floats() | st.integers())
def test_an_instant_is_a_number_or_a_value_error(stamp: Any) -> None:
    try:
        found = occurrence.instant(stamp)
    except ValueError:
        return
    assert found is None or isinstance(found, int)


def test_a_retry_hashes_the_same_and_a_different_payload_does_not() -> None:
    first = good(TRACK | {"messageId": "m", "properties": {"a": 1, "b": 2}, "sentAt": "2025-01-01"})
    again = good(
        {"properties": {"b": 2, "a": 1}, "sentAt": "2025-01-02"} | TRACK | {"messageId": "m"},
        received_us=RECEIVED + 9,
    )
    other = good(TRACK | {"messageId": "m", "properties": {"a": 1, "b": 3}})
    assert first.payload_hash == again.payload_hash != other.payload_hash
    assert -(2**63) <= first.payload_hash < 2**63


def test_the_batchs_context_goes_under_the_messages_own() -> None:
    body = {
        "batch": [TRACK | {"context": {"a": 1}, "writeKey": "k"}, TRACK],
        "context": {"a": 0, "ip": "1.2.3.4"},
        "integrations": {"All": False},
    }
    first, second = explode(record(body))
    assert isinstance(first, Envelope) and isinstance(second, Envelope)
    assert first.ip == second.ip == "1.2.3.4"
    stored = json.loads(first.body)
    assert stored["context"] == {"a": 1, "ip": "1.2.3.4"}
    assert stored["integrations"] == {"All": False}
    assert "writeKey" not in stored


def test_the_callers_address_is_only_for_those_who_ask() -> None:
    batch = {"batch": [TRACK, TRACK | {"context": {"direct": True}}]}
    asked = explode(record(batch, ip=DIRECT + "1.2.3.4"))
    assert [each.ip for each in asked if isinstance(each, Envelope)] == [None, "1.2.3.4"]
    browser = explode(record(batch, ip="1.2.3.4"))
    assert [each.ip for each in browser if isinstance(each, Envelope)] == ["1.2.3.4"] * 2


def test_a_lone_message_explodes_as_it_did_in_its_batch() -> None:
    whole = record({"batch": [TRACK, TRACK | {"event": "Two"}], "context": {"ip": "1.1.1.1"},
                    "sentAt": "2025-06-15T10:00:00Z"})  # fmt: skip
    lone = unpack(pack(alone(whole, 1)))
    (found,) = explode(lone)
    expected = msgspec.structs.replace(explode(whole)[1], index=0)
    assert found == expected
    assert lone.n == 1


def test_blocks_pack_and_unpack() -> None:
    records = [record(TRACK, "track"), record({"batch": [TRACK]})]
    assert unpack_block(pack_block(records)) == records
    assert msgspec.msgpack.decode(pack(records[0])) == [
        1, RECEIVED, "track", None, False, records[0].body, ["door-0"], 1, "segment", None,
    ]  # fmt: skip


@given(st.binary(max_size=200))
def test_nothing_that_is_sent_makes_it_raise(body: bytes) -> None:
    assert len(explode(record(body, "track"))) == 1
    assert len(explode(record(b'{"batch":[' + body + b"]}", None))) >= 0
    assert judging.depth(body) >= 0


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
FIELDS = st.sampled_from(
    ["type", "userId", "anonymousId", "event", "context", "properties", "traits", "timestamp",
     "sentAt", "messageId", "groupId", "previousId", "name", "writeKey"]
)  # fmt: skip


@given(st.dictionaries(FIELDS, JSON), st.sampled_from(sorted(judging.TYPES)))
def test_any_json_in_any_field_is_taken_or_refused(fields: dict[str, Any], type: str) -> None:
    (found,) = explode(record(fields, type))
    assert isinstance(found, (Envelope, Rejected))
    if isinstance(found, Envelope):
        json.loads(found.body)
        assert found.user_id or found.anonymous_id


@given(st.dictionaries(FIELDS, JSON), st.sampled_from(sorted(judging.TYPES)))
@example({"userId": 1, "event": []}, "identify")  # a field that this type has no use for
@example({"userId": 1, "event": "E", "previousId": {}}, "track")
@example({"userId": 1, "event": "E", "groupId": True}, "track")
def test_what_fits_the_strict_types_is_never_refused_by_the_rules(
    fields: dict[str, Any], type: str
) -> None:
    text = json.dumps(fields).encode()
    plain = strict.fitting(text, type)
    (found,) = explode(record(text, type))
    if plain is not None and isinstance(found, Rejected):
        assert found.reason == "bad_json"  # a number out of range, in a part that was not opened
    if plain is not None and isinstance(found, Envelope):
        assert (plain.messageId or "door-0") == found.message_id


@given(st.dictionaries(FIELDS, JSON), st.sampled_from(sorted(judging.TYPES)))
@example({"userId": "1", "event": "E", "context": {"touchpoint": {"channel": "store"}}}, "track")
@example({"userId": "1", "context": {"traits": {"a": 1}, "groupId": 5, "ip": 7}}, "identify")
@example({"userId": "1", "name": "n", "timestamp": "2025-06-15", "category": "c"}, "page")
def test_a_plain_message_is_read_as_if_it_were_judged(fields: dict[str, Any], type: str) -> None:
    text = json.dumps(fields).encode()
    (plain,) = explode(record(text, type))
    with mock.patch.object(envelope, "_plainly", return_value=None):
        (judged,) = explode(record(text, type))
    if isinstance(plain, Envelope):
        assert plain == judged
    else:
        assert isinstance(judged, Rejected) and plain.reason == judged.reason


def test_a_till_may_number_its_place() -> None:
    found = good(TRACK | {"context": {"touchpoint": {"channel": "store", "location": 330}}})
    assert found.touchpoint is not None
    assert (found.touchpoint.channel, found.touchpoint.location) == ("store", "330")


@pytest.mark.parametrize("type", sorted(judging.TYPES))
def test_plain_messages_fit_the_strict_types(type: str) -> None:
    message: dict[str, Any] = {"userId": "u", "event": "E", "groupId": "g", "previousId": "p"}
    message |= {"timestamp": "2025-06-15T10:00:00.123Z", "traits": {"a": [1]}, "context": None}
    assert strict.fitting(json.dumps(message).encode(), type) is not None
