"""What the staff decides, and that it can be taken back exactly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from touchloop.core import db
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid, NotFound
from touchloop.identity import api
from touchloop.identity.resolve import Claim, resolve
from touchloop.identity.tests import test_resolve
from touchloop.identity.tests.test_resolve import claim, claims, computed, customers, stored

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def conn() -> Iterator[Connection]:
    with db.connect() as conn:
        test_resolve._wipe(conn)
        yield conn


def everything(conn: Connection) -> dict[str, list[tuple[Any, ...]]]:
    found = {
        "identifiers": conn.execute("SELECT * FROM identifiers ORDER BY id").fetchall(),
        "suggestions": conn.execute(
            "SELECT a_id, b_id, reason, evidence FROM suggestions WHERE state = 'open'"
            " ORDER BY 1, 2, 3"
        ).fetchall(),
    }
    conn.commit()
    return found


def leaders(conn: Connection) -> dict[str, int]:
    rows = conn.execute("SELECT lower(split_part(value, '@', 1)), id FROM identifiers").fetchall()
    conn.commit()
    return dict(rows)


def test_a_merge_of_the_staff_is_logged_and_undone(conn: Connection) -> None:
    resolve(conn, [claim("u1 d1"), claim("u2 d1")])
    before = everything(conn)
    ids = leaders(conn)
    merged = api.merge(conn, ids["u1"], ids["u2"], actor_id=7, reason="same person at the till")
    assert customers(conn) == "d1u1u2"
    (operation, *_) = api.operations(conn)
    assert (operation.kind, operation.actor_id, operation.reason) == (
        "staff_merge", 7, "same person at the till",
    )  # fmt: skip
    undone = api.undo(conn, merged.operation_id, actor_id=7)
    assert everything(conn) == before
    assert {ids["u1"], ids["u2"]} <= set(undone.customer_ids)
    with pytest.raises(Invalid):
        api.undo(conn, merged.operation_id, actor_id=7)
    api.undo(conn, undone.operation_id, actor_id=7)
    assert customers(conn) == "d1u1u2"


def test_a_merge_that_happened_by_itself_is_undone_for_good(conn: Connection) -> None:
    resolve(conn, [claim("u1"), claim("e1 a1", declares=True)])
    resolve(conn, [claim("u1 e1", declares=True)])
    assert customers(conn) == "a1e1u1"
    (operation,) = api.operations(conn)
    api.undo(conn, operation.id, actor_id=7, reason="his wife's address")
    assert customers(conn) == "a1e1 u1"
    resolve(conn, [claim("u1 e1"), claim("e1 a2", declares=True), claim("u1 a3")])
    assert customers(conn) == "a1a2e1 a3u1"
    assert stored(conn) == computed(conn)


def test_a_split_that_happened_by_itself_is_undone(conn: Connection) -> None:
    resolve(conn, [claim("u1 d1")])
    resolve(conn, [claim("u2 d1")])
    assert customers(conn) == "d1 u1 u2"
    (operation,) = api.operations(conn)
    assert operation.kind == "split"
    api.undo(conn, operation.id, actor_id=7)
    assert customers(conn) == "d1u1 u2"


def test_a_suggestion_is_accepted_or_declined(conn: Connection) -> None:
    resolve(conn, [claim("u1 e1"), claim("u2 e1"), claim("u3 e3"), claim("u4 e3")])
    assert customers(conn) == "e1 e3 u1 u2 u3 u4"
    by_evidence = {s.evidence[0][1]: s for s in api.suggestions(conn)}
    api.answer(conn, by_evidence["e1@shop.example"].id, accept=True, actor_id=7)
    declined = api.answer(conn, by_evidence["e3@shop.example"].id, accept=False, actor_id=7)
    assert customers(conn) == "e1u1u2 e3 u3 u4"
    assert api.suggestions(conn) == [] and api.count_suggestions(conn) == 0
    assert [s.decided_by for s in api.suggestions(conn, state="declined")] == [7]
    with pytest.raises(NotFound):
        api.answer(conn, by_evidence["e3@shop.example"].id, accept=True, actor_id=7)
    api.undo(conn, declined.operation_id, actor_id=7)
    assert [s.evidence for s in api.suggestions(conn)] == [(("email", "e3@shop.example"),)]


def test_an_identifier_is_set_apart(conn: Connection) -> None:
    resolve(conn, [claim("u1 e1 a1"), claim("e1 a2", declares=True)])
    assert customers(conn) == "a1a2e1u1"
    ids = leaders(conn)
    cut = api.separate(conn, ids["e1"], actor_id=7, reason="typed wrongly")
    assert "u1" not in customers(conn).split()[0] or "e1" not in customers(conn).split()[0]
    resolve(conn, [claim("u1 e1")])
    assert leaders(conn) and stored(conn) == computed(conn)
    api.undo(conn, cut.operation_id, actor_id=7)
    assert customers(conn) == "a1a2e1u1"
    with pytest.raises(NotFound):
        api.separate(conn, 10**9, actor_id=7, reason="")


def test_a_blocked_identifier_holds_nothing_together(conn: Connection) -> None:
    resolve(conn, [claim("u1 e1"), claim("c1 e1")])
    before = everything(conn)
    assert customers(conn) == "c1e1u1"
    blocked = api.block(
        conn, leaders(conn)["e1"], blocked=True, actor_id=7, reason="the shop's own address"
    )
    assert customers(conn) == "c1 e1 u1"
    resolve(conn, [claim("u2 e1")])
    assert customers(conn) == "c1 e1 u1 u2"
    conn.execute("DELETE FROM links WHERE a_id IN (SELECT id FROM identifiers WHERE value = 'u2')"
                 " OR b_id IN (SELECT id FROM identifiers WHERE value = 'u2')")  # fmt: skip
    conn.execute("DELETE FROM identifiers WHERE value = 'u2'")
    api.undo(conn, blocked.operation_id, actor_id=7)
    assert everything(conn) == before


def test_tells_where_identifiers_come_from(conn: Connection) -> None:
    resolve(conn, [claim("u1 a1"), claim("u1 e1", declares=True, at=5)])
    held = api.identifiers(conn, leaders(conn)["u1"])
    assert [(h.value.split("@")[0], h.leads) for h in held] == [
        ("u1", True), ("a1", False), ("e1", False),
    ]  # fmt: skip
    assert [(t.namespace, t.kind, t.holds) for t in held[0].ties] == [
        ("anonymous_id", "observed", True), ("email", "declared", True),
    ]  # fmt: skip
    assert api.broken(conn) == []


def test_erasing_leaves_nothing_and_frees_what_was_shared(conn: Connection) -> None:
    resolve(conn, [claim("u1 d1"), claim("u2 d1"), claim("u3 e1"), claim("u4 e1")])
    assert customers(conn) == "d1 e1 u1 u2 u3 u4"
    ids = leaders(conn)
    assert api.erase(conn, [ids["u2"]]) == [ids["u1"]]
    conn.commit()
    assert customers(conn) == "d1u1 e1 u3 u4"
    api.erase(conn, [ids["e1"]])
    conn.commit()
    assert api.suggestions(conn) == [] and api.broken(conn) == []
    assert stored(conn) == computed(conn)
    (subject,) = resolve(conn, [claim("u2")]).subjects
    assert subject != ids["u2"]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(wanted=st.lists(claims, min_size=2, max_size=16), data=st.data())
def test_merging_and_undoing_restores_the_exact_state(
    conn: Connection, wanted: list[Claim], data: st.DataObject
) -> None:
    test_resolve._wipe(conn)
    resolve(conn, wanted)
    before = everything(conn)
    names = sorted({row[3] for row in before["identifiers"]})
    if len(names) > 1:
        pair = data.draw(st.lists(st.sampled_from(names), min_size=2, max_size=2, unique=True))
        merged = api.merge(conn, *pair, actor_id=7, reason="")
        assert stored(conn)[:2] == computed(conn)[:2]
        api.undo(conn, merged.operation_id, actor_id=7)
        assert everything(conn) == before
        assert stored(conn) == computed(conn)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(wanted=st.lists(claims, min_size=2, max_size=12))
def test_undoing_what_happened_by_itself_restores_the_customers_before(
    conn: Connection, wanted: list[Claim]
) -> None:
    test_resolve._wipe(conn)
    resolve(conn, wanted[:-1])
    before = _partition(conn)
    resolve(conn, wanted[-1:])
    for operation in api.operations(conn):
        if operation.message_key == wanted[-1].message_key:
            api.undo(conn, operation.id, actor_id=7)
            restored = _partition(conn)
            inside = {id for ids in operation.before.values() for id in ids}
            assert {group & inside for group in restored} - {frozenset()} == {
                group for group in before if group & inside
            }
    assert stored(conn)[:2] == computed(conn)[:2]


def _partition(conn: Connection) -> set[frozenset[int]]:
    rows = conn.execute("SELECT array_agg(id) FROM identifiers GROUP BY customer_id").fetchall()
    conn.commit()
    return {frozenset(row[0]) for row in rows}
