"""The pages of affinity: empty, filled by one counting, hostile names, changed families."""

from __future__ import annotations

import html
import json
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from touchloop.console.conftest import Send
from touchloop.console.insight.affinity.placing import places
from touchloop.core import clock, db
from touchloop.flow import api as flow
from touchloop.insight.affinity import api as affinity
from touchloop.insight.models import api as models

HOSTILE = "<i>litter</i>"


def basket(user: str, day: float, *items: tuple[str, str]) -> dict[str, Any]:
    products = [
        {"product_id": category, "name": f"{category} one", "category": category,
         "department": department, "quantity": 1, "price": 2.0}
        for department, category in items
    ]  # fmt: skip
    return {
        "type": "track", "event": "Order Completed", "userId": user,
        "timestamp": (clock.now() - timedelta(days=day)).isoformat(),
        "context": {"touchpoint": {"channel": "store", "location": "330"}},
        "properties": {"total": 2.0 * len(items), "products": products},
    }  # fmt: skip


@pytest.fixture
def counted(send: Send) -> None:
    """Cats' homes buy food and litter together; everybody buys bread and milk."""
    bread, milk = ("GROCERY", "BREAD"), ("GROCERY", "MILK")
    cats = (("PETS", "CAT FOOD"), ("PETS CARE", HOSTILE))
    send(
        *(
            basket(f"u{user}", 3 * day + 1, bread, *((milk,) if (user + day) % 3 else ()),
                   *(cats if user % 4 == 0 and day % 2 else ()))
            for user in range(40) for day in range(12)
        )
    )  # fmt: skip
    with db.connect() as conn:
        conn.execute("UPDATE customers SET allowed = 255")
        flow.export_all(conn)
        made = models.train(conn, affinity.TOGETHER, now=clock.now())
        conn.commit()
        assert made is not None and made.state == "in_use"
        # One customer's worth of history teaches nothing about what comes next.
        assert models.train(conn, affinity.NEXT_CATEGORY, now=clock.now()) is None
        conn.commit()


def text(client: Client, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status
    return " ".join(answer.content.decode().split())


def test_before_anything_is_counted_each_page_says_so(send: Send, admin: Client) -> None:
    assert "Nothing is counted yet" in text(admin, "/insight/affinity/")
    assert "There is no idea" in text(admin, "/insight/affinity/ideas/?kind=bundle")
    assert "Nothing is learned yet" in text(admin, "/insight/affinity/next/")
    assert "Nothing was sold yet" in text(admin, "/insight/affinity/families/")
    text(admin, "/insight/affinity/pair/?level=category&a=x&b=y", 404)


@pytest.mark.parametrize("columns", [1, 2, 7])
def test_the_network_stands_still_and_apart(columns: int) -> None:
    links = ((0, 1), (1, 2), (3, 4), *((5, n) for n in range(6, 16)))
    placed = places(17, links, columns=columns)
    assert placed == places.__wrapped__(17, links, columns=columns)
    assert all(0 <= x <= 1 and 0 <= y <= 1 for x, y in placed)
    assert len(set(placed)) == 17  # a cell for each
    assert places(1, (), columns=columns) == ((0.0, 0.0),)


def test_pairs_lead_to_their_customers(counted: None, admin: Client) -> None:
    said = text(admin, "/insight/affinity/")
    assert "480 baskets of 40 households" in said and HOSTILE not in said
    assert html.escape(HOSTILE) in said
    for query in ("?level=product", "?by=home", "?in=PETS", "?relation=together", "?place=330",
                  "?level=%00&place=%00"):  # fmt: skip
        assert HOSTILE not in text(admin, f"/insight/affinity/{query}")
    pair = urlencode({"level": "category", "a": "CAT FOOD", "b": HOSTILE})
    said = text(admin, f"/insight/affinity/pair/?{pair}")
    assert "not chance" in said and HOSTILE not in said
    start = said.index('href="/segments/new/?') + 6
    address = html.unescape(said[start : said.index('"', start)])
    built = admin.get(address)
    assert built.status_code == 200 and "CAT FOOD" in built.content.decode()
    csv = admin.get("/insight/affinity/?csv=network")
    assert csv.status_code == 200


def test_ideas_tell_their_formula(counted: None, admin: Client) -> None:
    said = text(admin, "/insight/affinity/ideas/")
    assert "(lift − 1)" in said and HOSTILE not in said


def test_families_are_renamed_and_kept_out(counted: None, admin: Client) -> None:
    said = text(admin, "/insight/affinity/families/")
    for name in ("GROCERY", "PETS", "PETS CARE"):
        assert name in said
    with db.connect() as conn:
        food = next(f for f in affinity.families(conn, "category") if f.key == "CAT FOOD")
        pets = next(f for f in affinity.families(conn, "department") if f.key == "PETS CARE")
    address = f"/insight/affinity/families/{food.id}/"
    wrong = admin.post(address, {"name": "For cats", "parent": "nowhere"})
    assert wrong.status_code == 400 and "nowhere" in wrong.content.decode()
    admin.post(address, {"name": "For cats", "parent": pets.key})
    with db.connect() as conn:
        changed = affinity.family(conn, food.id)
        assert (changed.name, changed.parent, changed.offered) == ("For cats", "PETS CARE", False)
        assert [each.version for each in affinity.family_changes(conn, food.id)] == [1]
        models.train(conn, affinity.TOGETHER, now=clock.now())
        again = affinity.family(conn, food.id)
        assert (again.name, again.parent, again.own_parent) == ("For cats", "PETS CARE", "PETS")
        kept = affinity.pair(conn, "category", "CAT FOOD", HOSTILE)
        assert kept is not None and kept.a_parent == "PETS CARE"
        assert all("CAT FOOD" not in (i.strong, i.slow) for i in affinity.ideas(conn))
    assert "For cats" in text(admin, "/insight/affinity/?in=PETS CARE")
    text(admin, "/insight/affinity/families/?in=999999", 404)


def test_what_comes_next_stands_beside_popularity(send: Send, admin: Client) -> None:
    send(basket("u1", 1, ("GROCERY", "BREAD")))
    rankers = [
        {"name": name, "precision": p, "low": p - 0.01, "high": p + 0.01, "hit5": 0.7,
         "hit10": 0.8, "beyond": p - 0.29, "beyond_low": 0.0, "beyond_high": 0.1}
        for name, p in (("popularity", 0.29), ("blend", 0.31))
    ]  # fmt: skip
    with db.connect() as conn:
        row = conn.execute("SELECT id FROM customers").fetchone()
        assert row is not None
        conn.execute(
            "INSERT INTO scores (customer_id, name, value, inputs, computed_at)"
            " VALUES (%s, 'new_category:DELI', .4, %s, %s)",
            (row[0], json.dumps({"reasons": ["x"]}), clock.now()),
        )
        kind = models.Kind(
            "next_category", "", "", "profile", 24.0, lambda run: models.Trained(
                {}, (models.Metric("P@5", 0.31, n=2_000),), (), 1, None, None,
                curves={"rankers": rankers},
            ), lambda run, trained: (),
        )  # fmt: skip
        models.train(conn, kind, now=clock.now())
        conn.commit()
    said = text(admin, "/insight/affinity/next/")
    assert "31 % are begun; by popularity 29 %" in said and "score=new_category%3ADELI" in said
