"""Stores with customers who were asked and answered, through the rooms themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from touchloop.channels.tests.conftest import People, post
from touchloop.console.conftest import Send, order, told
from touchloop.core import clock, db
from touchloop.experience.surveys import api as surveys
from touchloop.interactions.api import own_id

__all__ = ["post"]
STORES = {
    "330": "North",
    "331": "North",
    "412": "South",
    "413": "South",
    "500": "West",
    "600": "East",
}
FEW = ("500", "600")  # two of them, or hiding the one would take a larger store with it
SCORES = (10, 9, 8, 10, 7, 3, 9, 6, 10, 2, 9, 8)
HOSTILE = "<script>alert(1)</script>"
WORDS = surveys.Words(
    f"How likely are you to recommend us? {HOSTILE}", "not likely", "very likely", "Why?"
)
Make = Callable[..., surveys.Survey]


@dataclass(slots=True)
class Scene:
    """What there is: the survey, and its answers by store."""

    survey: surveys.Survey
    customers: dict[str, list[int]] = field(default_factory=dict)


@pytest.fixture
def make(transactional_db: None, post: object) -> Make:
    """A survey; keyword arguments are its fields."""

    def made(slug: str = "visit", kind: str = "nps", **fields: Any) -> surveys.Survey:
        given: dict[str, Any] = {
            "name": f"Your visit {HOSTILE}", "words": WORDS, "event": "Order Completed",
            "live": True, "via": ("post",),
        }  # fmt: skip
        with db.connect() as conn:
            survey = surveys.create(
                conn, surveys.Design(slug=slug, kind=kind, **(given | fields)), by=None,
                now=clock.now(),
            )  # fmt: skip
            conn.commit()
        return survey

    return made


@pytest.fixture
def stores(send: Send) -> dict[str, list[str]]:
    """Twelve customers at each of six stores, in four regions."""
    names = {store: [f"{store}-{n}" for n in range(12)] for store in STORES}
    send(
        *(
            each
            for store, users in names.items()
            for n, user in enumerate(users)
            for each in (
                told(user, name=f"Customer {user}", email=f"c{user}@example.com"),
                order(user, 10 + n, days=n % 5, store=store),
            )
        )
    )
    with db.connect() as conn:
        for store, region in STORES.items():
            conn.execute(
                "UPDATE touchpoints SET region = %s, name = %s WHERE location = %s",
                (region, f"Store {store}", store),
            )
        conn.commit()
        everybody = subjects_of(conn, [user for users in names.values() for user in users])
        source = own_id(conn)
        conn.commit()
        People(conn, source).agree(everybody, at=clock.now() - timedelta(days=1))
        conn.commit()
    return names


@pytest.fixture
def scene(stores: dict[str, list[str]], make: Make) -> Scene:
    """Everybody was asked once; stores 500 and 600 have three answers each, store 413 is
    simulated."""
    made = Scene(make())
    with db.connect() as conn:
        for store, users in stores.items():
            subjects = subjects_of(conn, users)
            made.customers[store] = subjects
            asked = users_answer(
                conn, made.survey, subjects, store=store,
                scores=SCORES[:3] if store in FEW else SCORES, simulated=store == "413",
            )  # fmt: skip
            assert asked == (3 if store in FEW else 12)
        conn.commit()
    return made


def subjects_of(conn: db.Connection, users: Sequence[str]) -> list[int]:
    rows = conn.execute(
        "SELECT value, customer_id FROM identifiers WHERE namespace = 'user_id'"
        " AND value = ANY(%s)",
        (list(users),),
    ).fetchall()
    found: dict[str, int] = dict(rows)
    return [found[user] for user in users]


def users_answer(
    conn: db.Connection,
    survey: surveys.Survey,
    subjects: Sequence[int],
    *,
    store: str,
    scores: Sequence[int],
    simulated: bool = False,
) -> int:
    """Invite them all, and let the first of them answer; how many did."""
    now = clock.now()
    asked = surveys.invite(
        conn, subjects, survey=survey, touchpoint=("store", store), cause=f"visit-{store}", now=now
    )
    assert all(each.invited for each in asked), asked
    if simulated:
        conn.execute("UPDATE invitations SET source = 'simulation' WHERE location = %s", (store,))
    links = conn.execute(
        "SELECT d.subject_id, d.data->>'link' FROM deliveries d WHERE d.subject_id = ANY(%s)",
        (list(subjects),),
    ).fetchall()
    tokens = {subject: link.rsplit("/", 1)[1] for subject, link in links}
    done = 0
    for subject, score in zip(subjects, scores, strict=False):
        text = f"Waited {score} minutes {HOSTILE} ask me at me@example.com" if score < 7 else ""
        reply = surveys.Reply(score, text, {}, 20.0)
        done += surveys.answer(conn, tokens[subject], reply, at=now) == "answered"
    return done
