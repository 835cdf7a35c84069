"""The questions to the lake: what each customer bought until a day, by week, and the RFM grid."""

from __future__ import annotations

from datetime import datetime

from touchloop.lake.api import Analysis, Step

PURCHASE = "Order Completed"

_DAYS = Step(
    "days",
    """SELECT i.customer_id, CAST(i.occurred_at AS DATE) AS day, SUM(COALESCE(i.value, 0)) AS value
  FROM interactions AS i JOIN people AS p ON p.customer_id = i.customer_id
  WHERE i.name = {purchase} AND i.occurred_at <= {until}
  GROUP BY i.customer_id, CAST(i.occurred_at AS DATE)
  HAVING SUM(COALESCE(i.value, 0)) >= 0""",
)
_FIRSTS = Step("firsts", "SELECT customer_id, MIN(day) AS first FROM days GROUP BY customer_id")

# One row a customer: days bought on until `end`, and those after it.
HISTORY = Analysis(
    "purchase_history",
    (
        _DAYS,
        _FIRSTS,
        Step(
            "counted",
            """SELECT d.customer_id, MIN(f.first) AS first,
    MAX(CASE WHEN d.day <= CAST({end} AS DATE) THEN d.day END) AS last,
    SUM(CASE WHEN d.day <= CAST({end} AS DATE) THEN 1 ELSE 0 END) AS bought,
    SUM(CASE WHEN d.day <= CAST({end} AS DATE) AND d.day > f.first AND d.value > 0
        THEN 1 ELSE 0 END) AS priced,
    SUM(CASE WHEN d.day <= CAST({end} AS DATE) AND d.day > f.first AND d.value > 0
        THEN d.value ELSE 0.0 END) AS spent,
    SUM(CASE WHEN d.day > CAST({end} AS DATE) THEN 1 ELSE 0 END) AS later
  FROM days AS d JOIN firsts AS f ON f.customer_id = d.customer_id
  GROUP BY d.customer_id""",
        ),
    ),
    """SELECT customer_id, first, last, bought, priced, ROUND(spent, 4) AS spent, later
FROM counted WHERE bought > 0 ORDER BY customer_id""",
)

# Repeat purchases by day of all who had bought by `end`.
REPEATS = Analysis(
    "repeat_purchases_by_day",
    (_DAYS, _FIRSTS),
    """SELECT d.day, COUNT(*) AS n
FROM days AS d JOIN firsts AS f ON f.customer_id = d.customer_id
WHERE d.day > f.first AND f.first <= CAST({end} AS DATE)
GROUP BY d.day ORDER BY d.day""",
)

SPAN = Analysis(
    "purchase_span",
    (_DAYS,),
    "SELECT MIN(day) AS first, MAX(day) AS last, COUNT(*) AS n FROM days",
)

# Fifths of customers, 5 the best. Customers of equal worth stand in the same fifth: that in which
# the middle of their ranks lies; so a fifth never cuts through equals, and runs agree.
RFM = Analysis(
    "rfm",
    (
        _DAYS,
        Step(
            "measured",
            """SELECT customer_id, MAX(day) AS last,
    SUM(CASE WHEN day > CAST({since} AS DATE) THEN 1 ELSE 0 END) AS orders,
    ROUND(SUM(CASE WHEN day > CAST({since} AS DATE) THEN value ELSE 0.0 END), 2) AS spend
  FROM days GROUP BY customer_id""",
        ),
        Step("active", "SELECT * FROM measured WHERE orders > 0"),
        Step(
            "ranked",
            """SELECT customer_id, last, orders, spend, COUNT(*) OVER () AS n,
    RANK() OVER (ORDER BY last) AS r_rank, COUNT(*) OVER (PARTITION BY last) AS r_ties,
    RANK() OVER (ORDER BY orders) AS f_rank, COUNT(*) OVER (PARTITION BY orders) AS f_ties,
    RANK() OVER (ORDER BY spend) AS m_rank, COUNT(*) OVER (PARTITION BY spend) AS m_ties
  FROM active""",
        ),
        Step(
            "fifths",
            """SELECT customer_id, last, orders, spend,
    CAST(FLOOR(5.0 * (2 * (r_rank - 1) + r_ties - 1) / (2.0 * n)) AS BIGINT) + 1 AS r,
    CAST(FLOOR(5.0 * (2 * (f_rank - 1) + f_ties - 1) / (2.0 * n)) AS BIGINT) + 1 AS f,
    CAST(FLOOR(5.0 * (2 * (m_rank - 1) + m_ties - 1) / (2.0 * n)) AS BIGINT) + 1 AS m
  FROM ranked""",
        ),
    ),
    "SELECT customer_id, r, f, m, last, orders, spend FROM fifths ORDER BY customer_id",
)

_EXAMPLE: dict[str, object] = {"purchase": PURCHASE, "until": datetime(2026, 7, 1)}

ANALYSES: tuple[tuple[Analysis, dict[str, object]], ...] = (
    (HISTORY, {**_EXAMPLE, "end": datetime(2026, 5, 1)}),
    (REPEATS, {**_EXAMPLE, "end": datetime(2026, 5, 1)}),
    (SPAN, _EXAMPLE),
    (RFM, {**_EXAMPLE, "since": datetime(2025, 7, 1)}),
)
