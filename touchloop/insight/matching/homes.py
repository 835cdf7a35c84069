"""Households: customers of one home are linked, never merged.

A home is the same surname at the same address, or the same telephone. What more than a few share
is a hostel, an office or a made-up number, and links nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from touchloop.core.db import Connection
from touchloop.insight.matching import cleaning
from touchloop.insight.matching.clustering import components

Ints = NDArray[np.int64]

MOST: Final = 8  # people who may share an address and surname, or a telephone, and be one home


@dataclass(frozen=True, slots=True)
class Home:
    """One household: its number, its customers, and why they are linked."""

    id: int
    customers: tuple[int, ...]
    reason: str


def write(conn: Connection, duck: duckdb.DuckDBPyConnection, ids: Ints) -> int:
    """Find the homes among the cleaned records and keep them; gives how many there are."""
    there = {row[0] for row in duck.execute(f"DESCRIBE {cleaning.TABLE}").fetchall()}
    keys = []
    street = [name for name in ("street", "house") if name in there]
    place = next((name for name in ("postcode", "city") if name in there), "")
    if "surname" in there and "street" in street and place:
        keys.append(("the same surname and address", ["surname", *street, place]))
    if "phone" in there:
        keys.append(("the same telephone", ["phone"]))
    a, b = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    why: dict[int, str] = {}
    for reason, names in keys:
        found = duck.execute(_SHARED.format(
            table=cleaning.TABLE, record=cleaning.RECORD, names=", ".join(names), most=MOST,
            there=" AND ".join(f"{name} IS NOT NULL" for name in names if name != "house"),
        )).fetchnumpy()  # fmt: skip
        a.append(np.asarray(found["a"], dtype=np.int64))
        b.append(np.asarray(found["b"], dtype=np.int64))
        for record in np.concatenate([a[-1], b[-1]]).tolist():
            why.setdefault(record, reason)
    labels = components(np.concatenate(a), np.concatenate(b), len(ids))
    sizes = np.bincount(labels, minlength=1)
    members = np.flatnonzero((sizes[labels] > 1) & (sizes[labels] <= 2 * MOST))
    first = np.full(len(sizes), np.iinfo(np.int64).max)
    np.minimum.at(first, labels[members], ids[members])
    conn.execute("DELETE FROM household_members")
    with conn.cursor() as cursor, cursor.copy(_COPY) as copy:
        for record in members.tolist():
            copy.write_row((int(ids[record]), int(first[labels[record]]), why[record]))
    return len(np.unique(labels[members]))


def homes(conn: Connection, *, limit: int = 20, before: int | None = None) -> list[Home]:
    """Homes, those with the highest number first; `before` is a number to page from."""
    rows = conn.execute(_HOMES, {"limit": limit, "before": before}).fetchall()
    return [Home(id, tuple(members), reason) for id, members, reason in rows]


def home_of(conn: Connection, customer_id: int) -> Home | None:
    """The home of one customer."""
    row = conn.execute(_HOME, (customer_id,)).fetchone()
    return Home(row[0], tuple(row[1]), row[2]) if row else None


_COPY = "COPY household_members (customer_id, household, reason) FROM STDIN"
_SHARED = """
SELECT min({record}) OVER w AS a, {record} AS b FROM {table} WHERE {there}
WINDOW w AS (PARTITION BY {names})
QUALIFY count(*) OVER w BETWEEN 2 AND {most}
"""
_HOMES = """
SELECT household, array_agg(customer_id ORDER BY customer_id), min(reason)
FROM household_members WHERE %(before)s::bigint IS NULL OR household < %(before)s
GROUP BY household HAVING count(*) > 1 ORDER BY household DESC LIMIT %(limit)s"""
_HOME = """
SELECT household, array_agg(customer_id ORDER BY customer_id), min(reason)
FROM household_members
WHERE household = (SELECT household FROM household_members WHERE customer_id = %s)
GROUP BY household HAVING count(*) > 1"""
