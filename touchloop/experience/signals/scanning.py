"""Signals that show over months only: baskets that shrink, visits that lie further apart.

Every customer is measured against their own past, over the lake. A basket shrinks when the mean of
the last few is well under that of the earlier ones and by more than their spread explains. Visits
lie apart when the last intervals are much longer than the usual one, or when the silence that runs
is a multiple of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

from touchloop.core import arrays
from touchloop.core.db import Connection
from touchloop.experience.signals.keeping import Noticed, keep
from touchloop.experience.signals.rules import BASKET, VISITS, Rule, rules

DAYS = 540  # of the past that is looked at
MOST_EARLIER = 40  # baskets that make the usual one

STEPS: Final = (
    (
        "orders",
        """SELECT customer_id, value, channel, location, occurred_at,
    ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY occurred_at DESC, interaction_id DESC)
      AS back
  FROM interactions
  WHERE name = 'Order Completed' AND occurred_at > {since} AND occurred_at <= {now}""",
    ),
    ("latest", "SELECT customer_id, channel, location, occurred_at FROM orders WHERE back = 1"),
    (
        "baskets",
        """SELECT customer_id,
    AVG(value) FILTER (WHERE back <= {basket_recent}) AS recent,
    AVG(value) FILTER (WHERE back > {basket_recent} AND back <= {most}) AS usual,
    STDDEV_SAMP(value) FILTER (WHERE back > {basket_recent} AND back <= {most}) AS spread,
    COUNT(value) FILTER (WHERE back > {basket_recent} AND back <= {most}) AS n
  FROM orders GROUP BY customer_id""",
    ),
    (
        "shrinking",
        """SELECT customer_id, usual, recent, recent / usual AS ratio
  FROM baskets
  WHERE n >= {basket_earlier} AND usual > 0 AND recent <= {basket_ratio} * usual
    AND (usual - recent) * SQRT({basket_recent}) >= {basket_z} * spread""",
    ),
    (
        "days",
        """SELECT customer_id, CAST(occurred_at AS DATE) AS day
  FROM orders GROUP BY customer_id, CAST(occurred_at AS DATE)""",
    ),
    (
        "gaps",
        """SELECT customer_id, day,
    DATE_DIFF('day', LAG(day) OVER (PARTITION BY customer_id ORDER BY day), day) AS gap,
    ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY day DESC) AS back
  FROM days""",
    ),
    (
        "intervals",
        """SELECT customer_id,
    MEDIAN(gap) FILTER (WHERE back > {visit_recent}) AS usual,
    AVG(gap) FILTER (WHERE back <= {visit_recent}) AS recent,
    COUNT(gap) FILTER (WHERE back > {visit_recent}) AS n,
    DATE_DIFF('day', MAX(day), CAST({now} AS DATE)) AS silence
  FROM gaps GROUP BY customer_id""",
    ),
    (
        "apart",
        """SELECT customer_id, usual, GREATEST(recent, silence) AS recent,
    GREATEST(recent / {visit_ratio}, silence / {visit_silence}) / usual AS ratio
  FROM intervals
  WHERE n >= {visit_earlier} AND usual >= 1
    AND (recent >= {visit_ratio} * usual OR silence >= {visit_silence} * usual)""",
    ),
    (
        "signals",
        """SELECT customer_id, '{basket}' AS kind, usual, recent,
    1 / GREATEST(ratio, 0.1) AS strength
  FROM shrinking
  UNION ALL
  SELECT customer_id, '{visits}' AS kind, usual, recent, ratio AS strength FROM apart""",
    ),
)


class Queries(Protocol):
    """The part of an engine that is needed here."""

    def rows(self, query: str) -> list[tuple[Any, ...]]: ...


def scan(conn: Connection, engine: Queries, *, now: datetime) -> int:
    """Look for slow signals of everybody over the lake; how many are new. Does not commit.

    `engine` has the lake with everybody's customer (insight.segments.api.engine). A customer whose
    signal of a kind is younger than the rule's `days` has no other.
    """
    known = rules(conn)
    found = [row for row in engine.rows(sql(now, known)) if known[row[1]].live]
    if not found:
        return 0
    lately = {
        (customer, kind)
        for kind in (BASKET, VISITS)
        for (customer,) in conn.execute(
            _LATELY, (kind, now - timedelta(days=known[kind].limits["days"]))
        ).fetchall()
    }
    still = {
        row[0]
        for row in conn.execute(
            "SELECT id FROM identifiers WHERE id = ANY(%s::bigint[])",
            (arrays.numbers({row[0] for row in found}),),
        ).fetchall()
    }
    noticed = [
        Noticed(
            customer,
            kind,
            known[kind].weight * strength,
            f"{kind}:{customer}:{now:%Y-%m-%d}",
            now,
            channel or "",
            location or "",
            "",
            {"usual": round(usual, 2), "recent": round(recent, 2)},
        )
        for customer, kind, usual, recent, strength, channel, location in found
        if (customer, kind) not in lately and customer in still
    ]
    return keep(conn, noticed, known)


def sql(now: datetime, known: Mapping[str, Rule]) -> str:
    """The steps as one statement."""
    instant = now.astimezone(UTC).replace(tzinfo=None)
    basket, visits = known[BASKET].limits, known[VISITS].limits
    values = {
        "now": f"TIMESTAMP '{instant:%Y-%m-%d %H:%M:%S.%f}'",
        "since": f"TIMESTAMP '{instant - timedelta(days=DAYS):%Y-%m-%d %H:%M:%S.%f}'",
        "most": MOST_EARLIER + int(basket["recent"]),
        "basket_recent": int(basket["recent"]),
        "basket_earlier": int(basket["earlier"]),
        "basket_ratio": float(basket["ratio"]),
        "basket_z": float(basket["z"]),
        "visit_recent": int(visits["recent"]),
        "visit_earlier": int(visits["earlier"]),
        "visit_ratio": float(visits["ratio"]),
        "visit_silence": float(visits["silence"]),
        "basket": BASKET,
        "visits": VISITS,
    }
    listed = ",\n".join(f"{name} AS (\n  {step.format(**values)}\n)" for name, step in STEPS)
    return (
        f"WITH {listed}\nSELECT s.customer_id, s.kind, s.usual, s.recent, s.strength, l.channel,"
        " l.location FROM signals AS s JOIN latest AS l ON l.customer_id = s.customer_id"
    )


_LATELY = """
SELECT DISTINCT i.customer_id FROM signals s JOIN identifiers i ON i.id = s.subject_id
WHERE s.kind = %s AND s.at > %s
"""
