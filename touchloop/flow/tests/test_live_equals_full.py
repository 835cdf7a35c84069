"""Live membership equals full evaluation at every step, though only concerned rules are decided."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from touchloop.bench import rules
from touchloop.core import db
from touchloop.flow import reading, worker
from touchloop.flow.batch import Work
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
    for _ in range(14):
        for _ in range(chance.choice((0, 1, 4))):
            _happen(say, held_clock, chance)
        worker.drain()
        standing, expected = _standing(conn), _expected(conn, held_clock)
        assert standing == expected
        changed += len(standing)
        held_clock.at += chance.choice(
            (timedelta(minutes=20), timedelta(hours=30), timedelta(days=12))
        )
    assert changed > 20


def _happen(say: Say, held_clock: Clock, chance: random.Random) -> None:
    user = f"u{chance.randrange(4)}"
    at = held_clock.at - timedelta(hours=chance.choice((0, 0, 2, 80)))
    kind = chance.choice(("order", "order", "view", "list", "identify"))
    stamp = at.isoformat()
    if kind == "identify":
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
        work = Work(conn, side, interactions.Catalogue(), {}, 0, held_clock.at)
        found = segments.evaluate(
            live.rules, reading.relations(live.needs, customers, work), customers, held_clock.at
        )
    conn.rollback()
    return {(int(c), segment) for segment, ids in found.members.items() for c in ids}
