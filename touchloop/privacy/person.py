"""Access and erasure of one customer, driven by the manifest, so that no table is forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from touchloop.channels import api as channels
from touchloop.core import clock
from touchloop.core.db import Connection
from touchloop.core.errors import NotFound
from touchloop.identity import api as identity
from touchloop.interactions import api as interactions
from touchloop.lake import api as lake
from touchloop.privacy import tombstones
from touchloop.privacy.manifest import MANIFEST, Entry


def export(conn: Connection, customer_id: int) -> dict[str, list[dict[str, Any]]]:
    """Everything held about one customer, by table. Raises NotFound for an unknown customer."""
    subjects = _subjects(conn, customer_id)
    return {
        entry.table: _rows(conn, entry, subjects, customer_id)
        for entry in MANIFEST
        if entry.exported
    }


def erase(conn: Connection, customer_id: int) -> dict[str, int]:
    """Erase one customer from every table and from the lake; returns the rows removed by table.

    That they were erased is kept outside of the database (see tombstones). The law of conservation
    keeps closing: what was stored is counted as erased. Commits before the lake is rewritten;
    should that fail, `touchloop lake rebuild` finishes the work from the log.
    """
    subjects = _subjects(conn, customer_id)
    tombstones.write(conn, subjects, at=clock.now())
    # The ledgers of consent are append-only except for erasure: see consent/migrations.
    conn.execute("SELECT set_config('touchloop.erasing', 'on', true)")
    for source_id, n in _stored(conn, subjects):
        interactions.add(conn, source_id, {"stored": -n, "erased": n}, now=clock.now())
    kinds = [
        row[0]
        for row in conn.execute(
            "SELECT DISTINCT kind_id FROM interactions WHERE subject_id = ANY(%s)", (subjects,)
        ).fetchall()
    ]
    channels.keep_refusals(conn, subjects, at=clock.now())
    removed = {
        entry.table: conn.execute(
            sql.SQL("DELETE FROM {} WHERE ").format(sql.Identifier(entry.table)) + _where(entry),
            {"subjects": subjects, "customer": customer_id},
        ).rowcount
        for entry in MANIFEST
        if entry.erased == "delete"
    }
    interactions.renew_examples(conn, kinds)
    # Identifiers last: what they held together is computed anew for others who share a device.
    identity.erase(conn, subjects)
    conn.commit()
    lake.erase_subjects(subjects)
    return removed


def _subjects(conn: Connection, customer_id: int) -> list[int]:
    subjects = identity.subjects_of(conn, [customer_id]).get(customer_id, [])
    if not subjects:
        raise NotFound(f"no customer {customer_id}")
    return list(subjects)


def _stored(conn: Connection, subjects: Sequence[int]) -> list[tuple[int, int]]:
    rows = conn.execute(
        "SELECT x.source_id, count(*) FROM interactions x JOIN kinds k ON k.id = x.kind_id"
        " WHERE x.subject_id = ANY(%s) AND k.type <> 'system' GROUP BY 1",
        (list(subjects),),
    ).fetchall()
    return [(int(source), int(n)) for source, n in rows]


def _rows(
    conn: Connection, entry: Entry, subjects: list[int], customer_id: int
) -> list[dict[str, Any]]:
    query = sql.SQL("SELECT * FROM {} WHERE ").format(sql.Identifier(entry.table)) + _where(entry)
    with psycopg.Cursor[dict[str, Any]](conn, row_factory=dict_row) as cursor:
        return cursor.execute(query, {"subjects": subjects, "customer": customer_id}).fetchall()


def _where(entry: Entry) -> sql.SQL:
    return {
        "subject_id": sql.SQL("subject_id = ANY(%(subjects)s)"),
        "identifier": sql.SQL("id = ANY(%(subjects)s)"),
        "pair": sql.SQL("(a_id = ANY(%(subjects)s) OR b_id = ANY(%(subjects)s))"),
        "customer_id": sql.SQL("customer_id = %(customer)s"),
        "id": sql.SQL("id = %(customer)s"),
    }[entry.key]
