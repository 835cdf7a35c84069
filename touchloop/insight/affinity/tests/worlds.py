"""Small shops for tests: lines of orders as the lake has them, on an engine of their own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa

from touchloop.lake.api import INTERACTIONS, LINES, SCHEMAS, DuckDB

NOON = datetime(2026, 3, 2, 12, 0)
# customer, days before noon, store, items as "department/category/product"
Order = tuple[int, float, str, Sequence[str]]


def engine(orders: Iterable[Order], *, people: Iterable[int] | None = None) -> DuckDB:
    """DuckDB with `interactions`, `lines` and `people` (everybody when not given)."""
    happened: list[tuple[object, ...]] = []
    lines: list[tuple[object, ...]] = []
    buyers: set[int] = set()
    for n, (customer, ago, store, items) in enumerate(orders):
        at = NOON - timedelta(days=ago)
        buyers.add(customer)
        happened.append((n, customer, "track", "Order Completed", "store", store, at, 1.0, "{}"))
        for item in items:
            department, category, product = (*item.split("/"), "", "")[:3]
            lines.append(
                (n, customer, "Order Completed", at, item, product or category, department,
                 category, "own", 1.0, 2.0, 2.0)
            )  # fmt: skip
    made = DuckDB(threads=1, memory_mb=1_000)
    for name, rows in ((INTERACTIONS, happened), (LINES, lines)):
        schema = SCHEMAS[name]
        table = pa.table(
            {f.name: pa.array([row[k] for row in rows], f.type) for k, f in enumerate(schema)}
        ).rename_columns(["customer_id" if c == "subject_id" else c for c in schema.names])
        made.bind(name, table)
    ids = pa.array(sorted(buyers if people is None else people), pa.int64())
    made.bind("people", pa.table({"customer_id": ids}))
    return made


def shop(*, households: int = 120, trips: int = 30, seed: int = 4) -> list[Order]:
    """Cats' homes buy cat food and litter together; everybody buys bread, and one kind of eggs on
    a trip; the diapers' homes buy beer too, on other trips."""
    chance = np.random.default_rng(seed)
    found: list[Order] = []
    for home in range(households):
        cats, baby = home % 3 == 0, home % 4 == 0
        for trip in range(trips):
            items = {f"GROCERY/STAPLE {k}" for k in chance.choice(12, chance.integers(1, 6), False)}
            if cats and chance.random() < 0.5:
                items.add("PETS/CAT FOOD")
                if chance.random() < 0.8:
                    items.add("PETS/CAT LITTER")
            if chance.random() < 0.5:
                items.add(f"GROCERY/EGGS {'LARGE' if chance.random() < 0.5 else 'SMALL'}")
            if baby and trip % 2:
                items.add("DRUG/DIAPERS")
            thirst = (0.07 if trip % 2 else 0.35) if baby else 0.02
            if chance.random() < thirst:
                items.add("GROCERY/BEER")
            store = f"store {home % 5}"
            found.append((home + 1, trip * 12 + float(chance.random()), store, sorted(items)))
    return found
