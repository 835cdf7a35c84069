"""Conditions about the order of interactions in time: sequences, and intervals of one's own.

Both sort a customer's marked interactions once. In that order, and with "then" before "first" at
the same instant, the closest pair of a first and a later then always stands side by side.
"""

from __future__ import annotations

from touchloop.insight.segments import grammar as g
from touchloop.insight.segments.selecting import DAY, bounds, day_of, rows
from touchloop.lake.api import NOW, Step

# Every condition ends in a step of this shape; a row stands for a customer about whom it is true
# (`held`) or may become so by itself (`due`).
COLUMNS = "customer_id, held, due"


def sequence(number: int, leaf: g.Sequence) -> list[Step]:
    """A then B within a time, or A then not B within a time."""
    name = f"sequence_{number}"
    # What follows a first one inside of a window back from now lies inside of it as well.
    later = leaf.window if isinstance(leaf.window, g.Last) else None
    union = (
        f"{rows(leaf.first, leaf.window, ', 1 AS first')}\n  UNION ALL\n"
        f"  {rows(leaf.then, later, ', 0 AS first')}"
    )
    if leaf.negated:
        return [Step(f"marks_{number}", union), *_not_followed(number, name, leaf)]
    return [Step(f"marks_{number}", union), *_followed(number, name, leaf)]


def overdue(number: int, leaf: g.Overdue) -> list[Step]:
    """Has not come for so many of its usual intervals."""
    micros = leaf.intervals * DAY
    length = bounds(leaf.window).length
    leaves = f"first_t + {length}" if length is not None else "CAST(NULL AS BIGINT)"
    return [
        Step(f"visits_{number}", rows(leaf.events, leaf.window, "")),
        Step(
            f"days_{number}",
            f"""SELECT customer_id, {day_of("t")} AS day, MIN(t) AS first_t, MAX(t) AS last_t
  FROM visits_{number} GROUP BY customer_id, {day_of("t")}""",
        ),
        Step(
            f"gaps_{number}",
            f"""SELECT customer_id, first_t, last_t,
    day - LAG(day) OVER (PARTITION BY customer_id ORDER BY day) AS gap
  FROM days_{number}""",
        ),
        Step(
            f"usual_{number}",
            f"""SELECT customer_id, MIN(first_t) AS first_t, MAX(last_t) AS last_t,
    MEDIAN(gap) AS gap, COUNT(*) AS days
  FROM gaps_{number} GROUP BY customer_id""",
        ),
        Step(
            f"overdue_{number}",
            f"""SELECT customer_id, {NOW} >= late_t AS held,
    CASE WHEN late_t > {NOW} THEN LEAST(late_t, {leaves}) ELSE {leaves} END AS due
  FROM (
    SELECT customer_id, first_t,
      last_t + CAST(ROUND(gap * {micros!r}) AS BIGINT) AS late_t
    FROM usual_{number} WHERE days >= {leaf.min_days}
  ) AS u""",
        ),
    ]


def _followed(number: int, name: str, leaf: g.Sequence) -> list[Step]:
    length = bounds(leaf.window).length
    due = f"MAX(before_t) + {length}" if length is not None else "CAST(NULL AS BIGINT)"
    return [
        Step(
            f"pairs_{number}",
            f"""SELECT customer_id, t, first,
    LAG(first) OVER w AS before_first, LAG(t) OVER w AS before_t
  FROM marks_{number} WINDOW w AS (PARTITION BY customer_id ORDER BY t, first)""",
        ),
        Step(
            name,
            f"""SELECT customer_id, TRUE AS held, {due} AS due
  FROM pairs_{number}
  WHERE first = 0 AND before_first = 1 AND t <= before_t + {leaf.within.micros}
  GROUP BY customer_id""",
        ),
    ]


def _not_followed(number: int, name: str, leaf: g.Sequence) -> list[Step]:
    length = bounds(leaf.window).length
    leaves = f"MAX(CASE WHEN ripe THEN t END) + {length}" if length is not None else "NULL"
    return [
        Step(
            f"pairs_{number}",
            f"""SELECT customer_id, t, first,
    MIN(CASE WHEN first = 0 THEN t END) OVER (
      PARTITION BY customer_id ORDER BY t DESC, first DESC
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS next_t
  FROM marks_{number}""",
        ),
        Step(
            f"alone_{number}",
            f"""SELECT customer_id, t, t + {leaf.within.micros} <= {NOW} AS ripe
  FROM pairs_{number}
  WHERE first = 1 AND (next_t IS NULL OR next_t > t + {leaf.within.micros})""",
        ),
        Step(
            name,
            f"""SELECT customer_id, MAX(CASE WHEN ripe THEN 1 ELSE 0 END) = 1 AS held,
    CASE WHEN MAX(CASE WHEN ripe THEN 1 ELSE 0 END) = 1 THEN CAST({leaves} AS BIGINT)
      ELSE MIN(t) + {leaf.within.micros} END AS due
  FROM alone_{number} GROUP BY customer_id""",
        ),
    ]
