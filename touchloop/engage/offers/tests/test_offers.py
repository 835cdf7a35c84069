"""Offers: what may be said in one, its versions, the book of those that are live."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from touchloop.core import db
from touchloop.core.errors import Invalid, NotFound
from touchloop.engage.offers import api as offers
from touchloop.flow.tests.conftest import NOON
from touchloop.insight.segments import api as segments

pytestmark = pytest.mark.django_db(transaction=True)
TILL = {"channel": "store", "texts": {"title": "Two for one"}}


@pytest.fixture
def conn(transactional_db: None) -> Iterator[db.Connection]:
    offers.forget()
    with db.connect() as connection:
        yield connection
        connection.rollback()


def make(conn: db.Connection, name: str = "Bread", **definition: Any) -> offers.Offer:
    said = {"treatments": [TILL]} | definition
    return offers.create(name, definition=said, actor=1, now=NOON, state="live", conn=conn)


def segment(conn: db.Connection, purpose: str = "personalise") -> segments.Segment:
    rule: dict[str, Any] = {"all": []}
    return segments.create("Families", rule=rule, purpose=purpose, actor=1, now=NOON, conn=conn)


def test_an_offer_says_in_words_whom_it_is_for(conn: db.Connection) -> None:
    families = segment(conn)
    offer = make(
        conn,
        eligibility={"required": [families.id]},
        suitability={"traits": [{"name": "city", "value": "Berlin"}]},
    )
    assert offer.slug == "bread"
    assert offer.sentence == (
        "For those who satisfy: the customer is in “Families”; the trait city is Berlin."
    )
    assert make(conn).slug == "bread-2"
    assert make(conn).sentence == "For everybody."


def test_a_change_is_a_version_and_the_book_is_of_its_time(conn: db.Connection) -> None:
    offer = make(conn, value=3)
    then = offers.live(conn)
    changed = offers.change(
        offer.id, actor=1, now=NOON + timedelta(days=1), definition={"value": 4}, conn=conn
    )
    assert (changed.version, changed.value, changed.treatments) == (2, 4.0, offer.treatments)
    now = offers.live(conn)
    assert [each.value for each in offers.book(conn, then.id).offers] == [3.0]
    assert [each.value for each in now.offers] == [4.0]
    offers.forget()
    assert offers.book(conn, then.id).offers[0].value == 3.0
    same = offers.change(offer.id, actor=1, now=NOON, definition={"value": 4}, conn=conn)
    assert same.version == 2 and len(offers.versions(offer.id, conn=conn)) == 2
    offers.set_state(offer.id, "paused", now=NOON, conn=conn)
    assert offers.live(conn).offers == ()
    assert [each.id for each in offers.listing(state="paused", conn=conn)] == [offer.id]


@pytest.mark.parametrize(
    ("definition", "field"),
    [
        ({"value": -1}, "value"),
        ({"valu": 1}, "offer"),
        ({"kind": "free"}, "kind"),
        ({"holdout": 0.95}, "holdout"),
        ({"kind": "mandatory", "holdout": 0.1}, "holdout"),
        ({"starting_propensity": 0}, "starting_propensity"),
        ({"starts_at": "2026-01-02T00:00:00Z", "ends_at": "2026-01-01T00:00:00Z"}, "ends_at"),
        ({"starts_at": "2026-01-02T00:00:00"}, "starts_at"),
        ({"eligibility": {"required": [999]}}, "eligibility"),
        ({"suitability": {"required": [1], "forbidden": [1]}}, "suitability"),
        (
            {"applicability": {"traits": [{"name": "age", "op": "gt", "value": "x"}]}},
            "applicability.traits[0].value",
        ),
        (
            {"applicability": {"context": [{"name": "intent", "op": "in", "value": "x"}]}},
            "applicability.context[0].value",
        ),
        ({"treatments": [TILL, TILL]}, "treatments"),
        ({"treatments": [{"channel": "The Till"}]}, "treatments[0].channel"),
        ({"treatments": []}, "treatments"),
        ({"impressions": {"most": 0}}, "impressions.most"),
    ],
)
def test_what_is_wrong_is_named(
    conn: db.Connection, definition: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as caught:
        make(conn, **definition)
    assert caught.value.field == field
    conn.rollback()
    assert offers.listing(conn=conn) == []


def test_a_segment_made_for_something_else_does_not_drive_selling(conn: db.Connection) -> None:
    ill = segment(conn, purpose="service")
    with pytest.raises(Invalid, match="must not decide whom to sell to"):
        make(conn, suitability={"forbidden": [ill.id]})
    assert make(conn, kind="service", suitability={"required": [ill.id]}).kind == "service"


def test_what_is_written_is_read_back(conn: db.Connection) -> None:
    offer = make(conn, impressions=None, memory={"later_days": 2}, lever=55)
    assert offers.read(offers.write(offer.definition())) == offer.definition()
    assert offers.get(offer.id, conn=conn) == offer == offers.named("bread", conn=conn)
    with pytest.raises(NotFound):
        offers.get(offer.id + 1, conn=conn)
