"""Resolving batches against a real database: what one worker does, and what several do at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from touchloop.core import clock, db
from touchloop.core.db import Connection
from touchloop.identity import graph, known, namespaces
from touchloop.identity.cluster import cluster
from touchloop.identity.graph import Link, Node
from touchloop.identity.resolve import Claim, resolve

pytestmark = pytest.mark.django_db(transaction=True)

START = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = {
    "u": "user_id", "x": "external:crm", "c": "card", "e": "email", "p": "phone",
    "a": "anonymous_id", "d": "device", "f": "anonymous_id",
}  # fmt: skip
PHONES = "+1415555267"


@pytest.fixture
def conn() -> Iterator[Connection]:
    with db.connect() as conn:
        _wipe(conn)
        yield conn


def claim(text: str, *, declares: bool = False, previous: str = "", at: int = 0) -> Claim:
    """Make a claim of words like "u1 a1"."""
    return Claim(
        ids=tuple(map(_identifier, text.split())),
        declares=declares,
        previous=_identifier(previous) if previous else None,
        source_id=1,
        message_key=uuid4(),
        at=START + timedelta(minutes=at),
    )


def _identifier(name: str) -> tuple[str, str]:
    values = {"e": f"{name}@shop.example", "p": f"{PHONES}{name[1:]}"}
    values["f"] = f"u{name[1:]}"  # an anonymous id that looks like a user id
    return NAMES[name[0]], values.get(name[0], name)


def _wipe(conn: Connection) -> None:
    conn.execute("TRUNCATE identifiers, links, merge_operations, suggestions")
    conn.commit()


def stored(conn: Connection) -> tuple[object, ...]:
    """The partition, the states and the suggestions, by values."""
    rows = conn.execute(
        "SELECT id, namespace, value, customer_id, state FROM identifiers"
    ).fetchall()
    groups: dict[int, set[tuple[str, str]]] = {}
    for _, namespace, value, customer, _ in rows:
        groups.setdefault(customer, set()).add((namespace, value))
    frozen = {customer: frozenset(group) for customer, group in groups.items()}
    open_ = conn.execute("SELECT a_id, b_id, reason, evidence FROM suggestions").fetchall()
    conn.commit()
    return (
        set(frozen.values()),
        {(namespace, value): state for _, namespace, value, _, state in rows},
        {
            (frozenset((frozen[a], frozen[b])), reason, str(evidence["identifiers"]))
            for a, b, reason, evidence in open_
        },
    )


def computed(conn: Connection) -> tuple[object, ...]:
    """The same by the pure function over all that is stored."""
    nodes = {
        id: Node(id, namespace, value, state == "blocked")
        for id, namespace, value, state in conn.execute(
            "SELECT id, namespace, value, state FROM identifiers"
        )
    }
    links = [
        Link(a, b, kind, clock.micros(at))
        for a, b, kind, at in conn.execute(
            "SELECT a_id, b_id, kind, created_at FROM links WHERE undone_at IS NULL"
        )
    ]
    conn.commit()
    found = cluster(nodes, links)
    groups: dict[int, set[tuple[str, str]]] = {}
    for id, customer in found.customer.items():
        groups.setdefault(customer, set()).add((nodes[id].namespace, nodes[id].value))
    frozen = {customer: frozenset(group) for customer, group in groups.items()}
    return (
        set(frozen.values()),
        {(node.namespace, node.value): found.state[id] for id, node in nodes.items()},
        {
            (
                frozenset((frozen[s.a], frozen[s.b])),
                s.reason,
                str([list(e) for e in s.evidence[:10]]),
            )
            for s in found.suggestions
        },
    )


def customers(conn: Connection) -> str:
    groups: dict[int, list[str]] = {}
    for value, customer in conn.execute(
        "SELECT value, customer_id FROM identifiers ORDER BY value"
    ):
        groups.setdefault(customer, []).append(value.split("@")[0].lower())
    conn.commit()
    return " ".join(sorted("".join(group) for group in groups.values()))


def test_gives_the_strongest_identifier_as_subject(conn: Connection) -> None:
    found = resolve(conn, [claim("a1 u1"), claim("a1"), claim(""), claim("u2", previous="a2")])
    rows: dict[int, str] = dict(conn.execute("SELECT id, value FROM identifiers").fetchall())
    assert [rows.get(subject) for subject in found.subjects] == ["u1", "a1", None, "u2"]
    assert customers(conn) == "a1u1 a2u2"


def test_writes_nothing_when_everything_is_known(conn: Connection) -> None:
    claims = [claim("u1 a1"), claim("u1 e1", declares=True)]
    first = resolve(conn, claims)
    written = "SELECT pg_current_xact_id_if_assigned() IS NOT NULL"
    conn.commit()
    with conn.transaction():
        again = resolve(conn, claims)
        assert conn.execute(written).fetchone() == (False,)
    assert again.subjects == first.subjects
    assert again.touched == []
    assert conn.execute("SELECT count(*) FROM links").fetchone() == (2,)


def test_reports_the_customers_whose_composition_changed(conn: Connection) -> None:
    resolve(conn, [claim("a1 e1", declares=True)])
    old = conn.execute("SELECT customer_id FROM identifiers LIMIT 1").fetchone()
    found = resolve(conn, [claim("u1 a1")])
    assert customers(conn) == "a1e1u1"
    assert [(c.customer_id, c.absorbed) for c in found.touched] == [(found.subjects[0], old)]
    assert conn.execute("SELECT count(*) FROM merge_operations").fetchone() == (0,)


def test_logs_a_merge_with_before_and_after(conn: Connection) -> None:
    first = resolve(conn, [claim("u1 e1"), claim("a1")])
    second = resolve(conn, [claim("u1 a1")])
    u1, a1 = first.subjects
    (row,) = conn.execute(
        "SELECT kind, before, after, message_key IS NOT NULL FROM merge_operations"
    ).fetchall()
    e1 = next(id for id in row[1][str(u1)] if id != u1)
    both = sorted([u1, e1])
    after = {str(u1): sorted([*both, a1])}
    assert row == ("merge", {str(u1): both, str(a1): [a1]}, after, True)
    assert [(c.customer_id, c.absorbed) for c in second.touched] == [(u1, (a1,))]


def test_a_shared_device_leaves_and_returns(conn: Connection) -> None:
    resolve(conn, [claim("u1 d1"), claim("d1 a1")])
    assert customers(conn) == "a1d1u1"
    resolve(conn, [claim("u2 d1")])
    assert customers(conn) == "a1 d1 u1 u2"
    assert conn.execute("SELECT reason FROM suggestions").fetchall() == [("shared_device",)]
    resolve(conn, [claim("u1", previous="u2", declares=True)])
    assert customers(conn) == "a1d1u1u2"
    assert conn.execute("SELECT count(*) FROM suggestions").fetchone() == (0,)
    assert stored(conn) == computed(conn)


def test_forgets_what_was_erased(conn: Connection) -> None:
    resolve(conn, [claim("u1 a1")])
    conn.execute("DELETE FROM links")
    conn.execute("DELETE FROM identifiers")
    conn.commit()
    (subject,) = resolve(conn, [claim("u1 a1")]).subjects
    assert conn.execute("SELECT id FROM identifiers WHERE value = 'u1'").fetchone() == (subject,)


@pytest.mark.parametrize("late", [False, True])
def test_an_alias_of_a_former_user_id_joins_whichever_comes_first(
    conn: Connection, late: bool
) -> None:
    former = Claim((("user_id", "f1"),), False, None, 1, uuid4(), START)
    alias = Claim((("user_id", "u1"),), True, ("anonymous_id", "f1"), 1, uuid4(), START)
    for batch in ([alias], [former]) if late else ([former], [alias]):
        resolve(conn, batch)
    assert customers(conn) == "f1f1u1"
    assert stored(conn) == computed(conn)
    _wipe(conn)
    resolve(conn, [former, alias])
    assert customers(conn) == "f1f1u1"


def test_a_script_that_makes_up_browsers_stops_at_the_limit(
    conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = replace(namespaces.rule("anonymous_id"), limit=2)
    monkeypatch.setitem(namespaces._RULES, "anonymous_id", few)
    resolve(conn, [claim("u1")])
    for at in (5, 6, 7, 8):
        resolve(conn, [claim(f"u1 a{at}", at=at)])
    assert customers(conn) == "a5a6u1 a7 a8"
    resolve(conn, [claim("u1 a1", at=1), claim("u1 a9", at=9)])
    assert customers(conn) == "a1a5u1 a6 a7 a8 a9"
    assert stored(conn) == computed(conn)


names = st.builds(lambda kind, n: f"{kind}{n}", st.sampled_from("uuxceepaaddf"), st.integers(1, 4))
claims = st.builds(
    lambda ids, declares, previous, at: claim(
        " ".join(ids), declares=declares, previous=previous, at=at
    ),
    st.lists(names, min_size=1, max_size=3),
    st.booleans(),
    st.one_of(st.just(""), st.just(""), names, st.sampled_from(["f1", "f2", "f3"])),
    st.integers(0, 30),
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    wanted=st.lists(claims, min_size=1, max_size=24),
    other=st.randoms(use_true_random=False),
    public=st.sampled_from([2, 3, 50]),
    limit=st.sampled_from([1, 2, 200]),
)
def test_the_result_is_the_function_of_the_set_whatever_the_workers_do(
    conn: Connection, wanted: list[Claim], other: object, public: int, limit: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(graph, "PUBLIC_AFTER", public)
        for name in ("anonymous_id", "device"):
            few = replace(namespaces.rule(name), limit=limit)
            patch.setitem(namespaces._RULES, name, few)
        _compare(conn, wanted, other)


def _compare(conn: Connection, wanted: list[Claim], other: object) -> None:
    results = []
    for workers in (1, 2):
        _wipe(conn)
        known.forget()
        order = wanted[:]
        other.shuffle(order)  # type: ignore[attr-defined]
        parts = [order[n::workers] for n in range(workers)]
        _work([_batches(part, other) for part in parts])
        assert stored(conn) == computed(conn)
        results.append(stored(conn))
    assert results[0] == results[1]


def _batches(part: list[Claim], chance: object) -> list[list[Claim]]:
    batches = []
    while part:
        size = chance.randint(1, 6)  # type: ignore[attr-defined]
        batches.append(part[:size])
        part = part[size:]
    return batches


def _work(parts: list[list[list[Claim]]]) -> None:
    failures: list[BaseException] = []

    def work(batches: list[list[Claim]]) -> None:
        try:
            with db.connect() as own:
                for batch in batches:
                    resolve(own, batch)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(batches,)) for batches in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures
