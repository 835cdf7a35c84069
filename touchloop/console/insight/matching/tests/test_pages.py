"""The pages of matching: empty, run, labels by role, policy, homes, and suggestions in words."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from touchloop.console.conftest import Send, order
from touchloop.core import clock, db
from touchloop.core.db import Connection
from touchloop.identity import api as identity
from touchloop.insight.matching import api as matching

HOSTILE = "<i>Ana</i>"


@pytest.fixture
def found(send: Send) -> list[int]:
    """Two customers that a run found alike, as it keeps them."""
    send(order("u1", 10.0), order("u2", 20.0), order("u3", 30.0))
    with db.connect() as conn:
        rows = conn.execute(
            "SELECT customer_id FROM identifiers WHERE namespace = 'user_id' ORDER BY value"
        ).fetchall()
        ids = sorted(row[0] for row in rows)
        _keep(conn, ids)
        identity.suggest_alike(
            conn,
            [identity.Alike(ids[0], ids[1], 0.97, ("the same name",), ("another e-mail",))],
            now=clock.now(),
        )
        conn.commit()
    return ids


def _keep(conn: Connection, ids: list[int]) -> None:
    now = clock.now()
    parameters = {
        "fields": [["first_name", "given"]],
        "weights": {"name": [["the same name", 0.9, 0.001, 9.8, False],
                             [HOSTILE, 0.1, 0.999, -3.3, True]]},
    }  # fmt: skip
    row = conn.execute(
        "INSERT INTO matching_versions (at, seed, records, threshold, parameters, words)"
        " VALUES (%s, 5, 3, 0.5, %s, ARRAY['blocking on city was left out']) RETURNING id",
        (now, json.dumps(parameters)),
    ).fetchone()
    assert row is not None
    figures = {"records": 3, "pairs": 1, "merged": 0, "homes": 1, "left_out": 2, "forbidden": 1}
    conn.execute(
        "INSERT INTO matching_runs (asked_at, started_at, finished_at, state, version_id, figures)"
        " VALUES (%(now)s, %(now)s, %(now)s, 'done', %(version)s, %(figures)s)",
        {"now": now, "version": row[0], "figures": json.dumps(figures)},
    )
    for a, b, bits in ((ids[0], ids[1], 5.0), (ids[1], ids[2], -2.0)):
        conn.execute(
            "INSERT INTO matching_pairs (a_id, b_id, bits, forbidden, evidence, run_id)"
            ' VALUES (%s, %s, %s, false, \'[["name", "the same name", 9.8]]\', 1)',
            (a, b, bits),
        )
    for id in ids[:2]:
        conn.execute(
            "INSERT INTO household_members (customer_id, household, reason)"
            " VALUES (%s, %s, 'the same telephone')",
            (id, ids[0]),
        )


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_before_the_first_run_the_pages_say_what_matching_is(send: Send, admin: Client) -> None:
    assert "Nobody was compared yet" in text(admin, "/insight/matching/")
    assert "No pair to look at" in text(admin, "/insight/matching/label/")
    assert "No homes are known" in text(admin, "/insight/matching/homes/")
    assert admin.post("/insight/matching/run/").status_code == 302
    assert "It begins when the learner is free" in text(admin, "/insight/matching/")
    with db.connect() as conn:
        assert matching.due(conn, clock.now())


def test_a_run_is_shown_with_its_weights_and_leads_on(found: list[int], admin: Client) -> None:
    said = text(admin, "/insight/matching/")
    for words in ("Customers compared", "blocking on city was left out", "What happens by itself",
                  "Nobody has said yet", "/suggestions/"):  # fmt: skip
        assert words in said
    assert HOSTILE not in said
    file = admin.get("/insight/matching/?csv=weights").content.decode()
    assert "the same name" in file
    homes = text(admin, "/insight/matching/homes/")
    assert "the same telephone" in homes
    assert f"/customers/{found[0]}/" in homes


def test_pairs_are_labelled_and_the_curve_follows(found: list[int], admin: Client) -> None:
    said = text(admin, "/insight/matching/label/")
    assert "Are these one person?" in said
    with db.connect() as conn:
        first, second = matching.unlabelled(conn, limit=2)
    next_one = admin.post(f"/insight/matching/label/{first.id}/", {"answer": "same"})
    assert next_one.status_code == 302
    assert f"/insight/matching/label/{second.id}/" in text(admin, next_one["Location"])
    admin.post(f"/insight/matching/label/{second.id}/", {"answer": "nonsense"})
    admin.post(f"/insight/matching/label/{second.id}/", {"answer": "different"})
    assert "No pair to look at" in text(admin, "/insight/matching/label/")
    with db.connect() as conn:
        assert matching.labelled(conn) == {"same": 1, "different": 1, "unsure": 0}
    assert "No score has shown" in text(admin, "/insight/matching/")


def test_the_policy_is_kept_and_checked(found: list[int], admin: Client) -> None:
    admin.post("/insight/matching/policy/", {"automatic": "on", "precision": "99"})
    admin.post("/insight/matching/policy/", {"automatic": "on", "precision": "20"})
    with db.connect() as conn:
        policy = matching.policy(conn)
    assert (policy.automatic, policy.precision) == (True, 0.99)


def test_suggestions_tell_why_in_words(found: list[int], admin: Client) -> None:
    said = text(admin, "/suggestions/")
    for words in ("one person at 97", "the same name", "another e-mail"):
        assert words in said
