"""How a household's spending of a year compares with that of comparable households.

Peers are the households of the same size and income, where both are known and there are at least
`ENOUGH` of them; otherwise all households. The value is the share of the peers that spent less.

It is counted, not learned, and it is a profile all the same: who does not allow it is neither
scored nor anybody's peer, and size and income are looked at only of those who allow it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from touchloop.core.db import Connection
from touchloop.insight.models import api as models
from touchloop.insight.models.api import Run
from touchloop.insight.scores import keeping

NAME = "spend_percentile"
PURPOSE = "profile"
CATEGORIES = ("bought",)
OPTIONAL = ("told_us",)  # size and income
DAYS = 365
ENOUGH = 20

STEPS = (
    (
        "spent",
        """SELECT i.customer_id, ROUND(SUM(i.value), 2) AS spend, COUNT(*) AS orders
  FROM interactions AS i JOIN people AS p ON p.customer_id = i.customer_id
  WHERE i.name = 'Order Completed' AND i.occurred_at > {since} AND i.occurred_at <= {now}
  GROUP BY i.customer_id""",
    ),
    (
        "households",
        """SELECT s.customer_id, s.spend, s.orders,
    CASE WHEN d.customer_id IS NOT NULL
      THEN JSON_EXTRACT_STRING(c.traits, '$."household_size"') END AS size,
    CASE WHEN d.customer_id IS NOT NULL
      THEN JSON_EXTRACT_STRING(c.traits, '$."income"') END AS income
  FROM spent AS s JOIN customers AS c ON c.customer_id = s.customer_id
  LEFT JOIN described AS d ON d.customer_id = s.customer_id""",
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


def compute(conn: Connection, *, now: datetime) -> list[int]:
    """Compute and keep the score of everybody over the lake; gives those for whom it changed."""
    with models.open_run(conn, PURPOSE, now=now, categories=CATEGORIES, optional=OPTIONAL) as run:
        return keeping.write(conn, NAME, _rows(run), now=now)


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


def _rows(run: Run) -> Iterator[tuple[int, float, str]]:
    for customer_id, value, spend, orders, peers, n in run.engine.rows(sql(run.now)):
        inputs = {"spend": spend, "orders": orders, "peers": peers, "n": n, "days": DAYS}
        yield customer_id, value, json.dumps(inputs)
