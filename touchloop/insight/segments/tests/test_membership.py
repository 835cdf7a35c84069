"""Membership as it is stored: entered, left, gated, filled, compared, explained."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, timedelta
from typing import Any

import numpy as np
import pytest

from touchloop.core import db
from touchloop.core.errors import Invalid, NotFound
from touchloop.insight.scores import api as scores
from touchloop.insight.segments import api, live
from touchloop.insight.segments.tests import worlds
from touchloop.insight.segments.tests.oracle import Happening, Person

NOW = worlds.NOON.replace(tzinfo=UTC)
BOUGHT = {"interactions": {"events": ["Order Completed"], "window": {"last": 5, "unit": "days"}}}

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def conn() -> Iterator[db.Connection]:
    with db.connect() as opened:
        yield opened
        opened.rollback()


def make(conn: db.Connection, name: str = "Buyers", rule: Any = BOUGHT, **more: Any) -> api.Segment:
    given = {"purpose": "service", "actor": None, "now": NOW} | more
    return api.create(name, rule=rule, conn=conn, **given)


def result(members: dict[int, list[int]]) -> live.LiveResult:
    return live.LiveResult({k: np.array(v, np.int64) for k, v in members.items()}, {})


def test_entering_and_leaving_are_told_once(conn: db.Connection) -> None:
    one = make(conn)
    told = api.apply(conn, result({one.id: [7, 8]}), [7, 8, 9], NOW)
    assert [(c.customer_id, c.entered) for c in told] == [(7, True), (8, True)]
    assert api.apply(conn, result({one.id: [7, 8]}), [7, 8, 9], NOW) == []
    told = api.apply(conn, result({one.id: [9]}), [8, 9], NOW + timedelta(days=1))
    assert {(c.customer_id, c.entered) for c in told} == {(9, True), (8, False)}
    # Seven was not asked about, and stays.
    assert [m.customer_id for m in api.members(conn, one.id)] == [9, 7]
    assert [m.segment_id for m in api.segments_of(conn, 7)] == [one.id]


def test_pages_of_members_follow_each_other(conn: db.Connection) -> None:
    one = make(conn)
    for day in range(3):
        ids = list(range(day * 10, day * 10 + 4))
        api.apply(conn, result({one.id: ids}), ids, NOW + timedelta(days=day))
    first = api.members(conn, one.id, limit=5)
    rest = api.members(conn, one.id, after=(first[-1].since, first[-1].customer_id))
    assert [m.customer_id for m in first + rest] == [20, 21, 22, 23, 10, 11, 12, 13, 0, 1, 2, 3]


def test_a_purpose_keeps_out_who_does_not_allow_it(conn: db.Connection) -> None:
    one = make(conn, purpose="marketing")
    people = [Person(i, [Happening(i, "Order Completed", worlds.NOON)]) for i in (1, 2)]
    people[1].allowed = 16
    found = api.evaluate(api.live(conn).rules, worlds.relations(people), [1, 2], NOW)
    assert found.members[one.id].tolist() == [2]


def test_live_rules_are_read_again_when_one_changes(conn: db.Connection) -> None:
    one = make(conn)
    before = api.live(conn)
    assert api.live(conn) is before
    known = {"trait": {"name": "x", "op": "exists"}}
    api.change(one.id, rule=known, actor=None, now=NOW, conn=conn)
    after = api.live(conn)
    assert (before.needs.traits, after.needs.traits) == (frozenset(), frozenset({"x"}))
    api.set_state(one.id, "paused", now=NOW, conn=conn)
    assert api.live(conn).rules.rules == ()


def test_every_rule_is_kept_as_a_version(conn: db.Connection) -> None:
    one = make(conn)
    api.change(one.id, name="Recent buyers", actor=3, now=NOW, conn=conn)
    changed = api.change(one.id, rule={"not": BOUGHT}, actor=3, now=NOW, counts=(5, 7), conn=conn)
    assert (changed.name, changed.version) == ("Recent buyers", 2)
    assert changed.sentence == "has not had “Order Completed” in the last 5 days"
    kept = [(v.version, v.before_count, v.after_count) for v in api.versions(one.id, conn=conn)]
    assert kept == [(2, 5, 7), (1, None, None)]


def test_circles_and_unknown_segments_are_refused(conn: db.Connection) -> None:
    one = make(conn)
    two = make(conn, "Two", {"segment": {"id": one.id}})
    with pytest.raises(Invalid, match="circle"):
        api.change(one.id, rule={"segment": {"id": two.id}}, actor=None, now=NOW, conn=conn)
    with pytest.raises(Invalid, match="no segment number 999999"):
        make(conn, "Three", {"segment": {"id": 999_999}})
    with pytest.raises(Invalid, match="used by Two"):
        api.delete(one.id, conn=conn)
    assert [s.id for s in api.dependants(one.id, conn=conn)] == [two.id]
    api.delete(two.id, conn=conn)
    api.delete(one.id, conn=conn)
    with pytest.raises(NotFound):
        api.get(one.id, conn=conn)


def test_names_may_repeat_and_slugs_do_not(conn: db.Connection) -> None:
    assert [make(conn).slug for _ in range(3)] == ["buyers", "buyers-2", "buyers-3"]


def settle(conn: db.Connection) -> None:
    """Two customers in PostgreSQL with what they did, by the tables' own columns."""
    conn.execute(
        "INSERT INTO sources (name, slug, kind, channel, category, write_key, enabled,"
        " require_signature, signing_secret, plan_mode, plan, trusted, created_at)"
        " VALUES ('T', 't-seg', 'till', 'store', 'bought', 'k-seg', true, false, '', 'allow', '{}',"
        " false, now())"
    )
    conn.execute(
        "INSERT INTO kinds (type, name, first_seen_at, last_seen_at, volume)"
        " VALUES ('track', 'Order Completed', now(), now(), 0) ON CONFLICT DO NOTHING"
    )
    for id, traits in ((501, {"city": {"v": "Graz", "s": 1}}), (502, {})):
        conn.execute(
            "INSERT INTO identifiers (id, namespace, value, customer_id, person_id, state,"
            " first_seen_at, source_id)"
            " OVERRIDING SYSTEM VALUE VALUES (%s, 'user', %s, %s, %s, 'ok', now(), 1)",
            (id, str(id), id, id),
        )
        conn.execute(
            "INSERT INTO customers (id, traits, allowed, stage, created_at, updated_at)"
            " VALUES (%s, %s, 255, 'new', now(), now())",
            (id, json.dumps(traits)),
        )
    conn.execute(
        "INSERT INTO interactions (id, subject_id, source_id, kind_id, occurred_at, received_at,"
        " direction, value, message_key, payload_hash, uses, body)"
        " SELECT 900, 501, s.id, k.id, %s, %s, 0, 12.5, gen_random_uuid(), 0, 255,"
        ' \'{"properties": {"coupon": "X"}}\' FROM sources s, kinds k'
        " WHERE s.slug = 't-seg' AND k.name = 'Order Completed' AND k.type = 'track'",
        (NOW - timedelta(days=1), NOW),
    )


def test_why_says_what_was_seen(conn: db.Connection) -> None:
    settle(conn)
    rule = {"all": [
        BOUGHT, {"trait": {"name": "city", "value": "Graz"}},
        {"interactions": {"measure": "last", "op": "lt", "value": 2, "unit": "days",
                          "where": [{"path": "coupon", "value": "X"}]}},
    ]}  # fmt: skip
    one = make(conn, rule=rule)
    found = api.why(conn, 501, one.id, NOW)
    assert found.inside
    assert [(r.seen, r.holds) for r in found.reasons] == [
        ("", True), ("1", True), ("Graz", True), ("1 day ago", True),
    ]  # fmt: skip
    other = api.why(conn, 502, one.id, NOW)
    assert not other.inside
    assert [r.seen for r in other.reasons] == ["", "0", "not known", "never"]


def test_filling_previewing_and_comparing_read_the_lake(conn: db.Connection) -> None:
    from touchloop.lake import api as lake

    settle(conn)
    rows = {"interaction_id": 900, "subject_id": 501, "type": "track", "name": "Order Completed",
            "occurred_at": worlds.NOON - timedelta(days=1), "value": 12.5}  # fmt: skip
    table = lake.SCHEMAS["interactions"]
    import pyarrow as pa

    from touchloop.lake.tables import append, open_table

    append(open_table("interactions"), "interactions",
           pa.Table.from_pylist([rows], schema=table), seq=2**40)  # fmt: skip
    one = make(conn)
    seen = api.preview(conn, BOUGHT, NOW)
    assert (seen.count, seen.total, seen.sample) == (1, 2, (501,))
    filled = api.fill(conn, one.id, NOW)
    assert [(c.customer_id, c.entered) for c in filled.changes] == [(501, True)]
    assert filled.due == {501: NOW + timedelta(days=4)}
    assert api.get(one.id, conn=conn).members == 1
    assert api.fill(conn, one.id, NOW).changes == []
    change = api.compare(conn, BOUGHT, {"not": BOUGHT}, NOW)
    assert (change.before, change.after, change.entering, change.leaving) == (1, 1, 1, 1)
    conn.execute("UPDATE customers SET allowed = 0")
    assert scores.compute_spend_percentile(conn, now=NOW) == []  # nobody allows to be profiled
    conn.execute("UPDATE customers SET allowed = 511")
    assert scores.compute_spend_percentile(conn, now=NOW) == [501]
    assert scores.compute_spend_percentile(conn, now=NOW) == []
    (score,) = scores.of_customer(conn, 501)
    assert (score.value, score.inputs["spend"], score.inputs["peers"]) == (0.0, 12.5, "all")
