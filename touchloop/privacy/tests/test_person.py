"""Access and erasure: everything of one person, nothing of anybody else's."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from touchloop.core import clock, db
from touchloop.core.errors import NotFound
from touchloop.flow import exporting, worker
from touchloop.interactions import api as interactions
from touchloop.interactions.models import Source
from touchloop.privacy import person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def conn(transactional_db: None) -> Iterator[db.Connection]:
    Source.objects.get_or_create(
        slug="touchloop",
        defaults={
            "name": "Touchloop",
            "kind": "system",
            "channel": "system",
            "category": "inferred",
            "write_key": "own",
            "trusted": True,
        },
    )
    with db.connect() as connection:
        yield connection
        connection.rollback()


def live(conn: db.Connection, *users: str) -> dict[str, int]:
    """Each user says who it is, orders and consents; gives their customers."""
    source = interactions.create("Shop", kind="server", trusted=True)
    records: list[interactions.Record] = []
    for user in users:
        canary = f"canary-{user}"
        for body in (
            {"type": "identify", "traits": {"name": canary, "email": f"{canary}@example.com"}},
            {
                "type": "track",
                "event": "Order Completed",
                "properties": {"revenue": 5, "note": canary, "products": [{"name": canary}]},
            },
            {
                "type": "track",
                "event": "Consent Given",
                "properties": {"purposes": ["profile"], "channels": ["email"], "topics": [canary]},
            },
        ):
            message = {**body, "userId": user, "messageId": f"{user}-{len(records)}"}
            records.append(
                interactions.Record(
                    source.id,
                    clock.micros(clock.now()),
                    str(body["type"]),
                    None,
                    False,
                    json.dumps(message).encode(),
                    [""],
                    1,
                    "segment",
                )
            )
    interactions.put(conn, records)
    conn.commit()
    worker.drain()
    exporting.export_all(conn)
    rows = conn.execute("SELECT value, customer_id FROM identifiers WHERE namespace = 'user_id'")
    found = {str(value): int(customer) for value, customer in rows.fetchall()}
    conn.rollback()
    return found


def test_access_gives_everything_of_one_and_nothing_of_others(conn: db.Connection) -> None:
    customers = live(conn, "ada", "bo")
    held = json.dumps(person.export(conn, customers["ada"]), default=str)
    assert "canary-bo" not in held
    tables = person.export(conn, customers["ada"])
    for table in ("interactions", "interaction_lines", "identifiers", "trait_statements",
                  "customers", "use_grants", "contact_grants", "activity"):  # fmt: skip
        assert tables[table], table
    for table in ("interactions", "interaction_lines", "trait_statements", "contact_grants"):
        assert "canary-ada" in json.dumps(tables[table], default=str)


def test_erasure_leaves_nothing_of_the_person_and_the_sum_closes(conn: db.Connection) -> None:
    customers = live(conn, "ada", "bo")
    removed = person.erase(conn, customers["ada"])
    assert removed["interactions"] == 3
    everything = conn.execute(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
    ).fetchall()
    for (table,) in everything:
        rows = conn.execute(f"SELECT t::text FROM {table} t").fetchall()
        assert not [row for row in rows if "canary-ada" in row[0]], table
    ledger = interactions.snapshot(conn)
    assert (ledger.stored, ledger.erased, ledger.holds) == (3, 3, True)
    assert person.export(conn, customers["bo"])["interactions"]
    with pytest.raises(NotFound):
        person.export(conn, customers["ada"])
