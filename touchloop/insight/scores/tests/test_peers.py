"""How a household's spending compares: nobody is compared, or a peer, who does not allow it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from psycopg.types.json import Jsonb

from touchloop.consent import api as consent
from touchloop.core import db
from touchloop.insight.scores import api as scores
from touchloop.insight.scores.peers import ENOUGH
from touchloop.lake import api as lake

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
PEOPLE = 3 * ENOUGH
PROFILE = consent.BIT["profile"]
OUT, QUIET = 1, 2  # objects to profiles; allows them, though not of what was told


@pytest.fixture
def conn(
    transactional_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[db.Connection]:
    """Each household spent as many as its number, and all are of one size and income."""
    monkeypatch.setenv("LAKE_URL", str(tmp_path / "lake"))
    told = {"household_size": {"v": "2"}, "income": {"v": "50K"}}
    rows = [
        {"interaction_id": id, "subject_id": id, "type": "track", "name": "Order Completed",
         "occurred_at": (NOON - timedelta(days=9)).replace(tzinfo=None), "value": float(id),
         "properties": "{}"}
        for id in range(1, PEOPLE + 1)
    ]  # fmt: skip
    with duckdb.connect() as connection:
        connection.register(
            "given", pa.Table.from_pylist(rows, schema=lake.SCHEMAS["interactions"])
        )
        lake.load(connection, "SELECT * FROM given", "interactions")
    with db.connect() as opened:
        opened.execute(
            "INSERT INTO customers (id, traits, allowed, created_at, updated_at)"
            " SELECT n, %s, 0, %s, %s FROM generate_series(1, %s) n",
            (Jsonb(told), NOON, NOON, PEOPLE),
        )
        opened.execute(
            "INSERT INTO identifiers (id, namespace, value, customer_id, person_id, state,"
            " first_seen_at, source_id) SELECT n, 'user_id', 'u' || n, n, n, 'ok', %s, 1"
            " FROM generate_series(1, %s) n",
            (NOON, PEOPLE),
        )
        opened.execute("UPDATE customers SET allowed = %s WHERE id <> %s", (PROFILE, OUT))
        refused = consent.UseGrant(QUIET, "profile", "denied", 1, NOON, "told_us")
        consent.record_use(
            opened, [consent.UseGrant(QUIET, "profile", "granted", 1, NOON), refused]
        )
        opened.commit()
        yield opened


def test_who_objects_is_neither_compared_nor_a_peer(conn: db.Connection) -> None:
    changed = scores.compute_spend_percentile(conn, now=NOON)
    assert set(changed) == set(range(2, PEOPLE + 1))
    best, quiet = (scores.of_customer(conn, id)[0] for id in (PEOPLE, QUIET))
    assert (best.value, best.inputs["peers"], best.inputs["n"]) == (1.0, "2 / 50K", PEOPLE - 2)
    assert (quiet.value, quiet.inputs["peers"], quiet.inputs["n"]) == (0.0, "all", PEOPLE - 1)
    assert scores.of_customer(conn, OUT) == []


def test_a_refusal_takes_the_score_away_at_the_next_run(conn: db.Connection) -> None:
    scores.compute_spend_percentile(conn, now=NOON)
    conn.execute("UPDATE customers SET allowed = 0 WHERE id = %s", (PEOPLE,))
    assert PEOPLE in scores.compute_spend_percentile(conn, now=NOON)
    assert scores.of_customer(conn, PEOPLE) == []
    assert scores.of_customer(conn, PEOPLE - 1)[0].value == 1.0
