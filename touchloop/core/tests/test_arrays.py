"""Array literals as PostgreSQL reads them, whatever is in them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from touchloop.core import arrays, db

NOW = datetime(2026, 3, 2, 12, 0, 0, 17, tzinfo=UTC)
LATER = NOW + timedelta(days=1)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "values",
    [
        [],
        [""],
        ["a"],
        ["a", "", "NULL", "b c", "{,}"],
        ["a", None, "b"],
        [None],
        ['"', "a"],
        ["a", '","'],
        ["\\", "a"],
        ['{"a": "b\\nc"}', "ä\ud7ff\U0001f600"],
        ["\n", "\t", " "],
    ],
)
def test_texts_arrive_as_they_are(values: list[str | None]) -> None:
    assert _read(arrays.texts(values), "text[]") == values


@pytest.mark.django_db
def test_numbers_and_instants_arrive_as_they_are() -> None:
    for numbers in ([], [1, None, -(2**63)], [None]):
        assert _read(arrays.numbers(numbers), "bigint[]") == numbers
    for moments in ([], [None, NOW, NOW, None, LATER, NOW], [NOW, None]):
        assert _read(arrays.instants(moments), "timestamptz[]") == moments


def _read(literal: str, type: str) -> object:
    with db.connect() as conn:
        row = conn.execute(f"SELECT %s::{type}".encode(), (literal,)).fetchone()
    assert row is not None
    return row[0]
