"""What each customer used of each service lately, and what is known of who is like them.

A service is a category of products that is bought, or an event of use ("Data Used", "Call Made").
Whoever used it within a year has it; measured is the use of the last 90 days, as of an instant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from touchloop.core.db import Connection
from touchloop.insight.models.api import Run
from touchloop.insight.scores.churn.cut import numbers, plain
from touchloop.lake.api import Analysis, Step
from touchloop.profiles.api import ORDER

DAYS, HAD_DAYS = 90, 365
SERVICES, HOLDERS = 24, 40
TRAITS = ("household_size", "income", "plan", "contract", "tariff", "company_size", "age")
TENURE_DAYS = 180


@dataclass(frozen=True, slots=True)
class Use:
    """One row for each customer and service that they have; `monthly` is the use in 30 days."""

    customers: NDArray[np.int64]
    services: NDArray[np.str_]
    acts: NDArray[np.str_]  # bought or used
    monthly: NDArray[np.float64]
    traits: dict[str, NDArray[np.str_]]  # "" where not known; those that may be used
    tenure: NDArray[np.str_]
    pace: NDArray[np.str_]  # how often they came before the time that is measured


def as_of(run: Run, at: datetime, *, traits: Sequence[str]) -> Use:
    """The use of the services that most have, of those who have had one for as long as is measured.

    `traits` are those of `TRAITS` that may be used.
    """
    found = run.engine.query(ANALYSIS.sql(**values(at)))
    long = numbers(found, "known") >= TENURE_DAYS
    return Use(
        found.column("customer_id").to_numpy().astype(np.int64),
        _texts(found, "service"),
        _texts(found, "act"),
        numbers(found, "recent") * 30 / DAYS,
        {name: _texts(found, name) for name in traits},
        np.where(long, "known for half a year or more", "known for less than half a year"),
        _pace(found),
    )


def traits_allowed(
    conn: Connection, categories: Sequence[str]
) -> tuple[dict[str, str], dict[str, str]]:
    """The traits all of whose values come from sources of these categories, each with the one that
    it has besides the first; why others may not.
    """
    rows = conn.execute(_CATEGORIES, (list(TRAITS),)).fetchall()
    of = {name: set(found) for name, found in rows}
    refused = {
        name: f"comes from {', '.join(sorted(of[name] - set(categories)))}, which is not asked for"
        for name in TRAITS
        if name in of and of[name] - set(categories)
    }
    allowed = {
        name: max(of[name], key=list(categories).index)
        for name in TRAITS
        if name in of and name not in refused
    }
    return allowed, refused


def values(at: datetime) -> dict[str, Any]:
    """The values of the analysis as of an instant."""
    return {
        "order": ORDER,
        "at": plain(at),
        "lately": plain(at - timedelta(days=DAYS)),
        "had": plain(at - timedelta(days=HAD_DAYS)),
        "services": SERVICES,
        "holders": HOLDERS,
    }


def _texts(found: pa.Table, name: str) -> NDArray[np.str_]:
    return np.array(found.column(name).cast(pa.string()).fill_null("").to_pylist(), np.str_)


def _pace(found: pa.Table) -> NDArray[np.str_]:
    """Thirds of the customers by the days on which they came before."""
    days, customers = numbers(found, "days_before"), found.column("customer_id").to_numpy()
    _, first = np.unique(customers, return_index=True)
    edges = np.quantile(days[first], [1 / 3, 2 / 3]) if len(first) else np.zeros(2)
    words = np.array(["came seldom before", "came now and then before", "came often before"])
    return words[np.searchsorted(edges, days, side="right")]


_CATEGORIES = """
SELECT t.name, array_agg(DISTINCT s.category)
FROM trait_values t JOIN sources s ON s.id = t.source_id
WHERE t.name = ANY(%s) GROUP BY t.name
"""

_TRAITS = ",\n    ".join(
    f"JSON_EXTRACT_STRING(c.traits, '$.\"{name}\"') AS {name}" for name in TRAITS
)

ANALYSIS = Analysis(
    "usage",
    (
        Step(
            "amounts",
            """SELECT l.customer_id, l.category AS service, 'bought' AS act, l.occurred_at,
    COALESCE(l.quantity, 1) AS amount
  FROM lines AS l JOIN people AS p ON p.customer_id = l.customer_id
  WHERE l.name = {order} AND l.occurred_at > {had} AND l.occurred_at <= {at}
    AND COALESCE(l.category, '') <> '' AND COALESCE(l.quantity, 1) > 0
  UNION ALL
  SELECT i.customer_id, i.name AS service, 'used' AS act, i.occurred_at,
    COALESCE(TRY_CAST(JSON_EXTRACT_STRING(i.properties, '$."quantity"') AS DOUBLE), 1) AS amount
  FROM interactions AS i JOIN people AS p ON p.customer_id = i.customer_id
  WHERE i.occurred_at > {had} AND i.occurred_at <= {at} AND i.type = 'track'
    AND (i.name LIKE '% Used' OR i.name LIKE '% Made' OR i.name LIKE '% Streamed'
      OR i.name LIKE '% Watched' OR i.name LIKE '% Consumed' OR i.name LIKE '% Transferred'
      OR i.name IN ('Text Sent', 'Payment Sent'))
    AND COALESCE(i.channel, '') NOT IN
      ('web', 'mobile', 'email', 'sms', 'push', 'chat', 'social', 'call_centre', 'ivr')""",
        ),
        Step(
            "had",
            """SELECT customer_id, service, act, MIN(occurred_at) AS first_at,
    ROUND(SUM(CASE WHEN occurred_at > {lately} THEN amount ELSE 0 END), 4) AS recent
  FROM amounts GROUP BY customer_id, service, act""",
        ),
        Step(
            "known",
            """SELECT customer_id, MIN(occurred_at) AS first_at, COUNT(DISTINCT CASE
      WHEN occurred_at <= {lately} THEN EPOCH_US(occurred_at) // 86400000000 END) AS days_before
  FROM amounts GROUP BY customer_id""",
        ),
        Step(
            "frequent",
            """SELECT service, act, ROW_NUMBER() OVER (ORDER BY n DESC, service, act) AS place
  FROM (SELECT service, act, COUNT(*) AS n FROM had GROUP BY service, act) AS s
  WHERE n >= {holders}""",
        ),
    ),
    f"""SELECT h.customer_id, h.service, h.act, h.recent,
    (EPOCH_US({{at}}) - EPOCH_US(k.first_at)) / 86400000000.0 AS known, k.days_before,
    {_TRAITS}
  FROM had AS h
  JOIN frequent AS f ON f.service = h.service AND f.act = h.act
  JOIN known AS k ON k.customer_id = h.customer_id
  LEFT JOIN described AS d ON d.customer_id = h.customer_id
  LEFT JOIN customers AS c ON c.customer_id = d.customer_id
  WHERE f.place <= {{services}} AND k.first_at <= {{lately}}
  ORDER BY h.customer_id, h.service, h.act""",
)
