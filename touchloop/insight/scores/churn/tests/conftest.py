"""An engine over rows that a test makes: no database, no lake."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from touchloop.insight.models import api as models
from touchloop.lake.api import BOUND, INTERACTIONS, LINES, SCHEMAS, DuckDB

NOW = datetime(2026, 3, 1, tzinfo=UTC)
Row = tuple[int, str, datetime]
Open = Callable[..., models.Run]


def relation(name: str, rows: Sequence[dict[str, object]]) -> pa.Table:
    """Rows as one of the lake's relations; columns that are not given are NULL."""
    fields = [field for field in SCHEMAS[name] if field.name != "subject_id"]
    schema = pa.schema([("customer_id", pa.int64()), *fields])
    return pa.Table.from_pylist([{"type": "track", **row} for row in rows], schema=schema)


@pytest.fixture
def opened() -> Iterator[Open]:
    engine = DuckDB(threads=1, memory_mb=512)

    def run(
        interactions: Sequence[dict[str, object]],
        lines: Sequence[dict[str, object]] = (),
        *,
        people: Sequence[int] | None = None,
        described: Sequence[int] = (),
        traits: Mapping[int, str] | None = None,
        now: datetime = NOW,
        conn: object = None,
    ) -> models.Run:
        for number, row in enumerate(interactions):
            row.setdefault("interaction_id", number)
        ids = sorted({int(str(row["customer_id"])) for row in (*interactions, *lines)})
        engine.bind(INTERACTIONS, relation(INTERACTIONS, interactions))
        engine.bind(LINES, relation(LINES, lines))
        known = [{"customer_id": id, "traits": text} for id, text in (traits or {}).items()]
        engine.bind("customers", pa.Table.from_pylist(known, schema=BOUND["customers"]))
        allowed = pa.array(ids if people is None else people, pa.int64())
        engine.bind("people", pa.table({"customer_id": allowed}))
        engine.bind("described", pa.table({"customer_id": pa.array(described, pa.int64())}))
        return models.Run(conn, engine, now, 1, lambda step, share: None)  # type: ignore[arg-type]

    yield run
    engine.close()
