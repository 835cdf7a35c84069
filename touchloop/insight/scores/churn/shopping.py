"""Leaving without saying so: no purchase within some of one's own usual intervals.

Everything about a customer is computed as of a cut, from what was dated before it; what came after
the cut says only whether the customer came back in time. Models learn from past cuts whose windows
are over, and are judged on the latest of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from touchloop.insight.models.api import Run
from touchloop.insight.scores.churn.cut import Cut, numbers, plain, said
from touchloop.insight.scores.learner.classifier import Told
from touchloop.lake.api import Analysis, Step
from touchloop.profiles.api import ORDER

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

INTERVALS = 3.0  # of one's own usual ones, without a purchase: gone
LEAST_DAYS, MOST_DAYS = 28, 91
SHOPPED = 4  # days with a purchase that make a rhythm
HISTORY_DAYS = 180
CUTS, APART_DAYS = 6, 28
BEFORE_DAYS = 150  # of history that a cut must have: counts must mean the same at each

FEATURES = (
    "days since last purchase", "usual interval", "silence in usual intervals",
    "spread of the intervals", "longest interval", "purchases in 30 days",
    "purchases in 90 days", "trend of purchases", "spend in 90 days", "trend of spend",
    "spend each time", "categories in 90 days", "trend of categories",
)  # fmt: skip


def cuts(run: Run) -> list[Cut]:
    """Past cuts whose windows are over, the oldest first; empty where history is too short."""
    first = run.engine.rows(FIRST.sql(name=ORDER, now=plain(run.now)))[0][0]
    if first is None:
        return []
    latest = run.now - timedelta(days=MOST_DAYS)
    earliest = first.replace(tzinfo=UTC) + timedelta(days=BEFORE_DAYS)
    found = [latest - timedelta(days=number * APART_DAYS) for number in range(CUTS)]
    return [as_of(run, at) for at in found[::-1] if at >= earliest]


def as_of(run: Run, at: datetime) -> Cut:
    """Everybody with a rhythm who was not silent for too long at that instant."""
    found = run.engine.query(ANALYSIS.sql(**values(at)))
    column = {name: numbers(found, name) for name in found.column_names}
    window = np.clip(INTERVALS * column["usual"], LEAST_DAYS, MOST_DAYS)
    since = column["since_last"]
    active = since <= window
    back = column["next_in"]
    gone = np.isnan(back) | (back > window)
    return Cut(
        at,
        found.column("customer_id").to_numpy()[active].astype(np.int64),
        _inputs(column, active),
        window[active],
        np.asarray(gone[active]),
        int((~active).sum()),
    )


def values(at: datetime) -> dict[str, Any]:
    """The values of the analysis as of an instant."""
    return {
        "name": ORDER,
        "cut": plain(at),
        "d30": plain(at - timedelta(days=30)),
        "d90": plain(at - timedelta(days=90)),
        "d180": plain(at - timedelta(days=HISTORY_DAYS)),
        "window": plain(at + timedelta(days=MOST_DAYS)),
        "shopped": SHOPPED,
    }


def _inputs(column: Mapping[str, Floats], active: Bools) -> pa.Table:
    with np.errstate(divide="ignore", invalid="ignore"):
        found = (
            column["since_last"],
            column["usual"],
            column["since_last"] / column["usual"],
            column["spread"],
            column["longest"],
            column["days_30"],
            column["days_90"],
            column["days_30"] / (column["days_90"] / 3),
            column["spend_90"],
            column["spend_90"] / column["spend_before"],
            column["spend"] / column["days"],
            column["categories_90"],
            column["categories_90"] / column["categories_before"],
        )
    kept = [np.where(np.isfinite(each), each, np.nan)[active] for each in found]
    return pa.table(dict(zip(FEATURES, kept, strict=True)))


TOLD: Mapping[str, Told] = {
    "days since last purchase": said("last bought %.0f days ago (others %.0f)"),
    "usual interval": said("usually buys every %.0f days (others every %.0f)"),
    "silence in usual intervals": said("has been silent for %.1f usual intervals (others %.1f)"),
    "spread of the intervals": said("the intervals vary by %.1f days (others %.1f)"),
    "longest interval": said("once stayed away for %.0f days (others %.0f)"),
    "purchases in 30 days": said("bought on %.0f of the last 30 days (others %.0f)"),
    "purchases in 90 days": said("bought on %.0f of the last 90 days (others %.0f)"),
    "trend of purchases": said("buys %.2f times as often as in the last 90 days (others %.2f)"),
    "spend in 90 days": said("spent %.0f in 90 days (others %.0f)"),
    "trend of spend": said("spent %.2f times as much as in the 90 days before (others %.2f)"),
    "spend each time": said("spends %.0f each time (others %.0f)"),
    "categories in 90 days": said("bought from %.0f categories in 90 days (others %.0f)"),
    "trend of categories": said("buys from %.2f times as many categories as before (others %.2f)"),
}  # fmt: skip

FIRST = Analysis(
    "first_order",
    (),
    "SELECT MIN(occurred_at) AS first_at FROM interactions"
    " WHERE name = {name} AND occurred_at <= {now}",
)

ANALYSIS = Analysis(
    "churn_shopping",
    (
        Step(
            "bought",
            """SELECT i.customer_id, EPOCH_US(i.occurred_at) AS t, i.occurred_at, i.value,
    EPOCH_US(i.occurred_at) // 86400000000 AS day
  FROM interactions AS i JOIN people AS p ON p.customer_id = i.customer_id
  WHERE i.name = {name} AND i.occurred_at > {d180} AND i.occurred_at <= {window}""",
        ),
        Step(
            "shopping_days",
            """SELECT customer_id, day, MIN(t) AS t, SUM(COALESCE(value, 0)) AS spend,
    MAX(CASE WHEN occurred_at > {d30} THEN 1 ELSE 0 END) AS in_30,
    MAX(CASE WHEN occurred_at > {d90} THEN 1 ELSE 0 END) AS in_90,
    MAX(CASE WHEN occurred_at > {d180} THEN 1 ELSE 0 END) AS in_180
  FROM bought WHERE occurred_at <= {cut} GROUP BY customer_id, day""",
        ),
        Step(
            "intervals",
            """SELECT customer_id, day, t, spend, in_30, in_90, in_180,
    day - LAG(day) OVER (PARTITION BY customer_id ORDER BY day) AS days_between
  FROM shopping_days""",
        ),
        Step(
            "rhythm",
            """SELECT customer_id, COUNT(*) AS days, MAX(t) AS last_t,
    AVG(days_between) AS usual, STDDEV_SAMP(days_between) AS spread,
    MAX(days_between) AS longest, SUM(in_30) AS days_30, SUM(in_90) AS days_90,
    ROUND(SUM(spend), 2) AS spend, ROUND(SUM(in_90 * spend), 2) AS spend_90,
    ROUND(SUM((in_180 - in_90) * spend), 2) AS spend_before
  FROM intervals GROUP BY customer_id HAVING COUNT(*) >= {shopped}""",
        ),
        Step(
            "kinds_bought",
            """SELECT l.customer_id, l.category,
    MAX(CASE WHEN l.occurred_at > {d90} THEN 1 ELSE 0 END) AS in_90,
    MAX(CASE WHEN l.occurred_at <= {d90} THEN 1 ELSE 0 END) AS before
  FROM lines AS l JOIN people AS p ON p.customer_id = l.customer_id
  WHERE l.name = {name} AND l.occurred_at > {d180} AND l.occurred_at <= {cut}
  GROUP BY l.customer_id, l.category""",
        ),
        Step(
            "variety",
            """SELECT customer_id, SUM(in_90) AS categories_90, SUM(before) AS categories_before
  FROM kinds_bought GROUP BY customer_id""",
        ),
        Step(
            "came_back",
            """SELECT customer_id, MIN(t) AS next_t FROM bought
  WHERE occurred_at > {cut} GROUP BY customer_id""",
        ),
    ),
    """SELECT r.customer_id, r.days, r.usual, r.spread, r.longest, r.days_30, r.days_90, r.spend,
    r.spend_90, r.spend_before, v.categories_90, v.categories_before,
    (EPOCH_US({cut}) - r.last_t) / 86400000000.0 AS since_last,
    (b.next_t - EPOCH_US({cut})) / 86400000000.0 AS next_in
  FROM rhythm AS r
  LEFT JOIN variety AS v ON v.customer_id = r.customer_id
  LEFT JOIN came_back AS b ON b.customer_id = r.customer_id
  ORDER BY r.customer_id""",
)
