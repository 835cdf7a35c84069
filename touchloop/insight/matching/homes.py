"""Households: customers of one home are linked, never merged.

A home is the same surname at the same address, or the same telephone. What more than a few share
is a hostel, an office or a made-up number, and links nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from touchloop.core.db import Connection
from touchloop.core.errors import NotFound
from touchloop.identity import api as identity
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
    since: datetime


def write(conn: Connection, duck: duckdb.DuckDBPyConnection, ids: Ints, *, now: datetime) -> int:
    """Find the homes among the cleaned records and keep them; gives how many there are.

    Whoever was said not to live with somebody stays out of a home that holds both. Somebody who
    was in a home with one of the same people before has been there since then.
    """
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
    labels = _apart(conn, labels, ids)
    sizes = np.bincount(labels, minlength=1)
    members = np.flatnonzero((sizes[labels] > 1) & (sizes[labels] <= 2 * MOST))
    first = np.full(len(sizes), np.iinfo(np.int64).max)
    np.minimum.at(first, labels[members], ids[members])
    _keep(conn, [(int(ids[at]), int(first[labels[at]]), why[at]) for at in members.tolist()], now)
    return len(np.unique(labels[members]))


def _apart(conn: Connection, labels: Ints, ids: Ints) -> Ints:
    """The labels with those on their own who were said not to belong."""
    said = conn.execute("SELECT a_id, b_id FROM household_apart").fetchall()
    if not said:
        return labels
    who = identity.customers_of(conn, sorted({id for pair in said for id in pair}))
    place = {int(id): at for at, id in enumerate(ids.tolist())}
    labels = labels.copy()
    for a, b in said:
        one, other = (place.get(who.get(int(id), int(id)), -1) for id in (a, b))
        if min(one, other) >= 0 and one != other and labels[one] == labels[other]:
            labels[one] = labels.max() + 1
    return labels


def _keep(conn: Connection, rows: list[tuple[int, int, str]], now: datetime) -> None:
    """Write the homes anew, all in one: nobody sees a moment without them."""
    with conn.transaction():
        conn.execute("CREATE TEMP TABLE homes_before ON COMMIT DROP AS TABLE household_members")
        conn.execute("DELETE FROM household_members")
        with conn.cursor() as cursor, cursor.copy(_COPY) as copy:
            for id, household, reason in rows:
                copy.write_row((id, household, reason, now))
        conn.execute(_SINCE)


def homes(conn: Connection, *, limit: int = 20, before: int | None = None) -> list[Home]:
    """Homes, those with the highest number first; `before` is a number to page from."""
    rows = conn.execute(_HOMES, {"limit": limit, "before": before}).fetchall()
    return [Home(id, tuple(members), *more) for id, members, *more in rows]


def home_of(conn: Connection, customer_id: int) -> Home | None:
    """The home of one customer."""
    row = conn.execute(_HOME, (customer_id,)).fetchone()
    return Home(row[0], tuple(row[1]), row[2], row[3]) if row else None


def part(conn: Connection, customer_id: int, *, by: int, now: datetime) -> None:
    """Say that a customer does not live with the others of the home: this run and all later ones.

    Raises NotFound where it has no home. In the caller's transaction.
    """
    home = home_of(conn, customer_id)
    if home is None:
        raise NotFound(f"customer {customer_id} has no home")
    others = [id for id in home.customers if id != customer_id]
    conn.execute(_PART, {"id": customer_id, "others": others, "by": by, "now": now})
    conn.execute("DELETE FROM household_members WHERE customer_id = %s", (customer_id,))


def rejoin(conn: Connection, customer_id: int) -> None:
    """Take back that a customer does not live with the others. In the caller's transaction."""
    taken = conn.execute(
        "DELETE FROM household_apart WHERE a_id = %s RETURNING at, was, b_id", (customer_id,)
    ).fetchall()
    if not taken:
        raise NotFound(f"nobody said that customer {customer_id} does not belong to a home")
    last = max(at for at, _, _ in taken)
    was = next(was for at, was, _ in taken if at == last)
    who = [customer_id, *(other for at, _, other in taken if at == last)]
    conn.execute(_REJOIN, {"who": who, **was})


_COPY = "COPY household_members (customer_id, household, reason, since) FROM STDIN"
_SHARED = """
SELECT min({record}) OVER w AS a, {record} AS b FROM {table} WHERE {there}
WINDOW w AS (PARTITION BY {names})
QUALIFY count(*) OVER w BETWEEN 2 AND {most}
"""
_SINCE = """
UPDATE household_members m SET since = least(m.since, b.since) FROM homes_before b
WHERE b.customer_id = m.customer_id AND EXISTS (
  SELECT FROM homes_before o JOIN household_members n ON n.customer_id = o.customer_id
  WHERE o.household = b.household AND n.household = m.household
    AND o.customer_id <> m.customer_id)"""
_PART = """
INSERT INTO household_apart (a_id, b_id, said_by, at, was)
SELECT m.customer_id, other, %(by)s, %(now)s,
  jsonb_build_object('household', m.household, 'reason', m.reason, 'since', m.since)
FROM household_members m, unnest(%(others)s::bigint[]) other WHERE m.customer_id = %(id)s
ON CONFLICT (a_id, b_id) DO UPDATE SET at = excluded.at, said_by = excluded.said_by,
  was = excluded.was"""
_REJOIN = """
INSERT INTO household_members (customer_id, household, reason, since)
SELECT c.id, %(household)s, %(reason)s, %(since)s
FROM customers c WHERE c.id = ANY (%(who)s::bigint[]) ON CONFLICT DO NOTHING"""
_HOMES = """
SELECT household, array_agg(customer_id ORDER BY customer_id), min(reason), min(since)
FROM household_members WHERE %(before)s::bigint IS NULL OR household < %(before)s
GROUP BY household HAVING count(*) > 1 ORDER BY household DESC LIMIT %(limit)s"""
_HOME = """
SELECT household, array_agg(customer_id ORDER BY customer_id), min(reason), min(since)
FROM household_members
WHERE household = (SELECT household FROM household_members WHERE customer_id = %s)
GROUP BY household HAVING count(*) > 1"""
