"""How a household's spending of a year compares with that of comparable households.

Peers are the households of the same size and income, where both are known and there are at least
`ENOUGH` of them; otherwise all households. The value is the share of the peers that spent less.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from touchloop.core.db import Connection
from touchloop.insight.scores import keeping

NAME = "spend_percentile"
DAYS = 365
ENOUGH = 20

STEPS = (
    (
        "spent",
        """SELECT customer_id, ROUND(SUM(value), 2) AS spend, COUNT(*) AS orders
  FROM interactions
  WHERE name = 'Order Completed' AND occurred_at > {since} AND occurred_at <= {now}
  GROUP BY customer_id""",
    ),
    (
        "households",
        """SELECT s.customer_id, s.spend, s.orders,
    JSON_EXTRACT_STRING(c.traits, '$."household_size"') AS size,
    JSON_EXTRACT_STRING(c.traits, '$."income"') AS income
  FROM spent AS s JOIN customers AS c ON c.customer_id = s.customer_id""",
    ),
    (
        "groups",
        """SELECT size, income, COUNT(*) AS n
  FROM households WHERE size IS NOT NULL AND income IS NOT NULL GROUP BY size, income""",
    ),
    (
        "compared",
        """SELECT h.customer_id, h.spend, h.orders,
    CASE WHEN g.n >= {enough} THEN h.size || ' / ' || h.income ELSE 'all' END AS peers
  FROM households AS h
  LEFT JOIN groups AS g ON g.size = h.size AND g.income = h.income""",
    ),
    (
        "by_size_and_income",
        """SELECT customer_id, spend, orders, peers,
    COUNT(*) OVER (PARTITION BY peers) AS n,
    PERCENT_RANK() OVER (PARTITION BY peers ORDER BY spend) AS rank
  FROM compared""",
    ),
    ("among_all", "SELECT customer_id, PERCENT_RANK() OVER (ORDER BY spend) AS rank FROM compared"),
    (
        "score",
        """SELECT p.customer_id, p.spend, p.orders, p.peers,
    CASE WHEN p.peers = 'all' THEN COUNT(*) OVER () ELSE p.n END AS n,
    CASE WHEN p.peers = 'all' THEN a.rank ELSE p.rank END AS value
  FROM by_size_and_income AS p JOIN among_all AS a ON a.customer_id = p.customer_id""",
    ),
)


class Queries(Protocol):
    """The part of an engine that is needed here."""

    def rows(self, query: str) -> list[tuple[Any, ...]]: ...


def compute(conn: Connection, engine: Queries, *, now: datetime) -> list[int]:
    """Compute and keep the score of everybody over the lake; gives those for whom it changed."""
    return keeping.write(conn, NAME, _rows(engine, now), now=now)


def sql(now: datetime) -> str:
    """The steps as one statement."""
    instant = now.astimezone(UTC).replace(tzinfo=None)
    values = {
        "now": f"TIMESTAMP '{instant:%Y-%m-%d %H:%M:%S.%f}'",
        "since": f"TIMESTAMP '{instant - timedelta(days=DAYS):%Y-%m-%d %H:%M:%S.%f}'",
        "enough": ENOUGH,
    }
    listed = ",\n".join(f"{name} AS (\n  {step.format(**values)}\n)" for name, step in STEPS)
    return f"WITH {listed}\nSELECT customer_id, value, spend, orders, peers, n FROM score"


def _rows(engine: Queries, now: datetime) -> Iterator[tuple[int, float, str]]:
    for customer_id, value, spend, orders, peers, n in engine.rows(sql(now)):
        inputs = {"spend": spend, "orders": orders, "peers": peers, "n": n, "days": DAYS}
        yield customer_id, value, json.dumps(inputs)
