"""What DuckDB holds arrives in PostgreSQL as it is."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID

import duckdb
import pytest

from touchloop.collect.importing import sending
from touchloop.collect.importing.sending import (
    BOOL,
    FLOAT8,
    INT2,
    INT4,
    INT8,
    JSONB,
    TEXT,
    Column,
    same,
    send,
)
from touchloop.core import db

pytestmark = pytest.mark.django_db(transaction=True)

AT = datetime(1999, 12, 31, 23, 59, 59, 123457, tzinfo=UTC)
TIE = UUID("0190f3c6-0000-7000-8000-00000000abcd")


def test_every_type_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "_ROWS", 2)
    columns: dict[str, Column] = {
        "a": INT8, "b": TEXT, "c": same("same"), "d": JSONB, "e": BOOL, "f": INT2, "g": INT4,
        "h": FLOAT8, "i": same(AT), "j": same(AT.date()), "k": same(TIE), "l": same(-3, INT2),
        "m": same(7), "n": same(0.5, FLOAT8), "o": JSONB,
    }  # fmt: skip
    rows = """(values
      (-1::bigint, 'ä€😀', '{"a":[1,null]}', true, -2::smallint, 3::int, 0.25::double, '1'),
      (9223372036854775807, '', null, false, 32767, -2147483648, -1e300, null),
      (0, null, '"x"', true, 0, 0, 0, '"\\""'))"""
    with duckdb.connect() as connection, db.connect() as conn:
        conn.execute(
            "create temp table sent (a bigint, b text, c text, d jsonb, e boolean, f smallint,"
            " g int, h float8, i timestamptz, j date, k uuid, l smallint, m int, n float8, o jsonb)"
        )
        send(connection, f"from {rows}", conn, "sent", columns)
        send(connection, f"from {rows} limit 0", conn, "sent", columns)
        found = conn.execute("select * from sent").fetchall()
    alike = (AT, date(1999, 12, 31), TIE, -3, 7, 0.5)
    assert found == [
        (-1, "ä€😀", "same", {"a": [1, None]}, True, -2, 3, 0.25, *alike, 1),
        (2**63 - 1, "", "same", None, False, 32767, -(2**31), -1e300, *alike, None),
        (0, None, "same", "x", True, 0, 0, 0.0, *alike, '"'),
    ]
