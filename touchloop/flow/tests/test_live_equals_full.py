"""Live membership equals full evaluation at every step, though only concerned rules are decided.

Two workers take turns, each with what it remembers of the customers, while these are merged.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import random
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest

from touchloop.bench import rules
from touchloop.core import db
from touchloop.flow import cycle, duties, reading, recalling, worker
from touchloop.flow.batch import NOTHING, Batch, Work
from touchloop.flow.tests.conftest import NOON, Clock, Say
from touchloop.insight.segments import api as segments
from touchloop.interactions import api as interactions

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_what_stands_is_what_all_rules_say(
    conn: db.Connection, say: Say, held_clock: Clock, seed: int
) -> None:
    chance = random.Random(seed)
    for name, rule in rules.fifty():
        segments.create(name, rule=rule, purpose="service", actor=None, now=NOON)
    changed = 0
    with _worker("first") as first, _worker("second") as second:
        for _ in range(24):
            for _ in range(chance.choice((0, 1, 4))):
                _happen(say, held_clock, chance)
            _drain(chance.choice((first, first, second)))
            standing, expected = _standing(conn), _expected(conn, held_clock)
            assert standing == expected
            changed += len(standing)
            held_clock.at += chance.choice(
                (timedelta(0), timedelta(minutes=20), timedelta(hours=30), timedelta(days=12))
            )
        assert first.histories.kept and first.histories.stands
    assert changed > 20


def test_who_was_just_here_is_not_read_again(
    conn: db.Connection, say: Say, held_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, rule in rules.fifty():
        segments.create(name, rule=rule, purpose="service", actor=None, now=NOON)
    read: list[Sequence[int]] = []
    rows = recalling._rows

    def noted(asked: Any, customers: Sequence[int], work: Work) -> dict[int, bytes]:
        read.append(customers)
        return rows(asked, customers, work)

    monkeypatch.setattr(recalling, "_rows", noted)
    with _worker("first") as first, _worker("second") as second:
        for one, fresh in ((first, 1), (first, 1), (second, 2), (second, 2), (first, 3)):
            say(event=rules.ORDER, userId="u1", properties={"revenue": 5})
            _drain(one)
            assert len(read) == fresh
            assert _standing(conn) == _expected(conn, held_clock)
            del read[fresh:]


def test_where_somebody_stands_is_read_again_when_a_segment_was_filled(
    conn: db.Connection, say: Say, held_clock: Clock
) -> None:
    with _remembered(say) as first:
        conn.execute("DELETE FROM segment_members")
        conn.execute("UPDATE segments SET filled_at = %s", (NOON,))
        conn.commit()
        say(event=rules.ORDER, userId="u1", properties={"revenue": 5})
        _drain(first)
        assert _standing(conn) == _expected(conn, held_clock) != set()


def test_a_wrong_memory_of_where_somebody_stands_is_noticed(
    conn: db.Connection, say: Say, held_clock: Clock
) -> None:
    with _remembered(say) as first:
        told = _news(conn)
        conn.execute("DELETE FROM segment_members")  # by nobody who says so
        conn.commit()
        held_clock.at += timedelta(days=8)
        say(event=rules.VIEW, userId="u1")
        assert cycle.take(first, messages=1_000)
        assert (_news(conn), first.histories.kept) == (told, {})
        _drain(first)
        assert _standing(conn) == _expected(conn, held_clock)


def test_traits_are_read_however_many_the_rules_ask_for(conn: db.Connection, say: Say) -> None:
    told = {f"likes_{n}": n for n in range(60)}
    say("identify", userId="u1", traits=told)
    with _worker("first") as first:
        _drain(first)
    ((customer,),) = conn.execute("SELECT id FROM customers").fetchall()
    for asked in (told, {"likes_7": 7}, {}):
        needs = dataclasses.replace(NOTHING, traits=frozenset(asked))
        (found,) = reading._customers(needs, [customer], conn).column("traits").to_pylist()
        assert (json.loads(found) if found else {}) == asked


@contextlib.contextmanager
def _remembered(say: Say) -> Iterator[worker.Worker]:
    """A worker that remembers where its one customer stands in fifty segments."""
    for name, rule in rules.fifty():
        segments.create(name, rule=rule, purpose="service", actor=None, now=NOON)
    with _worker("first") as first:
        say(event=rules.ORDER, userId="u1", properties={"revenue": 5})
        _drain(first)
        assert first.histories.stands
        yield first


def _news(conn: db.Connection) -> int:
    row = conn.execute("SELECT count(*) FROM interactions").fetchone()
    conn.rollback()
    assert row is not None
    return int(row[0])


@contextlib.contextmanager
def _worker(name: str) -> Iterator[worker.Worker]:
    with contextlib.closing(worker._Connections(duties.Pulse(name))) as connections:
        yield connections.worker


def _drain(one: worker.Worker) -> None:
    while cycle.take(one, messages=1_000) or cycle.wake(one):
        pass


def _happen(say: Say, held_clock: Clock, chance: random.Random) -> None:
    user = f"u{chance.randrange(4)}"
    at = held_clock.at - timedelta(hours=chance.choice((0, 0, 2, 80)))
    kind = chance.choice(("order", "order", "view", "list", "identify", "alias"))
    stamp = at.isoformat()
    if kind == "alias":
        if chance.random() < 0.2:
            say("alias", userId=user, previousId=f"u{chance.randrange(4)}", timestamp=stamp)
    elif kind == "identify":
        traits = {"city": chance.choice(("Porto", "Lyon", "Gent")), "age": chance.choice((25, 40))}
        say("identify", userId=user, traits=traits, timestamp=stamp)
    elif kind == "order":
        product = {"product_id": "p", "price": 20, "category": chance.choice(rules.CATEGORIES)}
        place = {"touchpoint": {"channel": "store", "location": chance.choice("ab")}}
        say(
            event=rules.ORDER,
            userId=user,
            timestamp=stamp,
            context=place,
            properties={"revenue": chance.choice((20, 70)), "products": [product]},
        )
    else:
        event = rules.VIEW if kind == "view" else "Product List Viewed"
        say(event=event, userId=user, timestamp=stamp)


def _standing(conn: db.Connection) -> set[tuple[int, int]]:
    rows = conn.execute("SELECT customer_id, segment_id FROM segment_members").fetchall()
    conn.rollback()
    return {(customer, segment) for customer, segment in rows}


def _expected(conn: db.Connection, held_clock: Clock) -> set[tuple[int, int]]:
    live = segments.live(conn)
    customers = [row[0] for row in conn.execute("SELECT id FROM customers ORDER BY id").fetchall()]
    with db.connect() as side:
        work = Work(conn, side, interactions.Catalogue(), {}, 0, held_clock.at, needs=live.needs)
        relations = reading.relations(live.needs, customers, Batch(blocks=()), work)
        found = segments.evaluate(live.rules, relations, customers, held_clock.at)
    conn.rollback()
    return {(int(c), segment) for segment, ids in found.members.items() for c in ids}
