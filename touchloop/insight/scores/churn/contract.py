"""Leaving by contract: who ends it within the next weeks.

A contract is told by events: it starts, is renewed, ends. As of a cut everybody whose contract runs
is looked at by what was dated before; the outcome is an end within the window after the cut.
Usage is what came neither from a site or app, nor by a message, a call or a chat: that would be
behaviour and tickets, which have rules of their own.
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
from touchloop.lake.api import Analysis, Relation, Step
from touchloop.profiles.api import ORDER

Floats = NDArray[np.float64]

STARTS = ("Subscription Started", "Subscription Created", "Contract Started", "Policy Started")
RENEWALS = ("Subscription Renewed", "Contract Renewed", "Policy Renewed")
ENDS = (
    "Subscription Cancelled", "Subscription Canceled", "Subscription Ended", "Contract Ended",
    "Contract Cancelled", "Contract Canceled", "Policy Cancelled", "Policy Ended",
)  # fmt: skip
WINDOW_DAYS = 60
CUTS, APART_DAYS = 8, 28
BEFORE_DAYS = 90

FEATURES = (
    "months with us", "renewals", "days since last renewal", "price", "plan", "term",
    "uses in 30 days", "days of use in 30", "trend of use", "days since last use",
    "orders in 90 days",
)  # fmt: skip


def cuts(run: Run) -> list[Cut]:
    """Past cuts whose windows are over, the oldest first; empty without contracts."""
    first = run.engine.rows(FIRST.sql(now=plain(run.now)))[0][0]
    if first is None:
        return []
    latest = run.now - timedelta(days=WINDOW_DAYS)
    earliest = first.replace(tzinfo=UTC) + timedelta(days=BEFORE_DAYS)
    found = [latest - timedelta(days=number * APART_DAYS) for number in range(CUTS)]
    return [as_of(run, at) for at in found[::-1] if at >= earliest]


def as_of(run: Run, at: datetime) -> Cut:
    """Everybody whose contract runs at that instant."""
    found = run.engine.query(ANALYSIS.sql(**values(at)))
    column = {
        name: numbers(found, name) for name in found.column_names if name not in ("plan", "term")
    }
    with np.errstate(divide="ignore", invalid="ignore"):
        trend = column["uses_30"] / ((column["uses_90"] - column["uses_30"]) / 2)
    inputs = (
        column["since_start"] / 30.4375,
        column["renewals"],
        column["since_renewal"],
        column["price"],
        found.column("plan"),
        found.column("term"),
        column["uses_30"],
        column["days_30"],
        np.where(np.isfinite(trend), trend, np.nan),
        column["since_use"],
        column["orders_90"],
    )
    ends = column["ends_in"]
    return Cut(
        at,
        found.column("customer_id").to_numpy().astype(np.int64),
        pa.table(dict(zip(FEATURES, inputs, strict=True))),
        np.full(found.num_rows, float(WINDOW_DAYS)),
        np.asarray(ends <= WINDOW_DAYS),
        0,
    )


def values(at: datetime) -> dict[str, Any]:
    """The values of the analysis as of an instant."""
    return {
        "order": ORDER,
        "cut": plain(at),
        "d30": plain(at - timedelta(days=30)),
        "d90": plain(at - timedelta(days=90)),
        "window": plain(at + timedelta(days=WINDOW_DAYS)),
    }


TOLD: Mapping[str, Told] = {
    "months with us": said("has been with us for %.0f months (others %.0f)"),
    "renewals": said("renewed %.0f times (others %.0f)"),
    "days since last renewal": said("renewed %.0f days ago (others %.0f)"),
    "price": said("pays %.2f (others %.2f)"),
    "uses in 30 days": said("used it %.0f times in 30 days (others %.0f)"),
    "days of use in 30": said("used it on %.0f of the last 30 days (others %.0f)"),
    "trend of use": said("uses it %.2f times as much as before (others %.2f)"),
    "days since last use": said("used it last %.0f days ago (others %.0f)"),
    "orders in 90 days": said("ordered %.0f times in 90 days (others %.0f)"),
}

EVENTS = Relation(
    "contract_events",
    (("name", "VARCHAR"), ("act", "VARCHAR")),
    (
        *((name, "start") for name in STARTS),
        *((name, "renewal") for name in RENEWALS),
        *((name, "end") for name in ENDS),
    ),
).as_step()

FIRST = Analysis(
    "first_contract",
    (EVENTS,),
    "SELECT MIN(i.occurred_at) AS first_at FROM interactions AS i"
    " JOIN contract_events AS e ON e.name = i.name WHERE i.occurred_at <= {now}",
)

_WORD = "CASE WHEN e.act <> 'end' THEN JSON_EXTRACT_STRING(i.properties, '$.\"%s\"') END AS %s"

ANALYSIS = Analysis(
    "churn_contract",
    (
        EVENTS,
        Step(
            "acts",
            f"""SELECT i.customer_id, e.act, EPOCH_US(i.occurred_at) AS t, i.occurred_at,
    CASE WHEN e.act <> 'end' THEN i.value END AS price,
    {_WORD % ("plan", "plan")}, {_WORD % ("term", "term")},
    ROW_NUMBER() OVER (
      PARTITION BY i.customer_id ORDER BY i.occurred_at DESC, i.interaction_id DESC) AS place
  FROM interactions AS i JOIN contract_events AS e ON e.name = i.name
  JOIN people AS p ON p.customer_id = i.customer_id WHERE i.occurred_at <= {{cut}}""",
        ),
        Step(
            "contracts",
            """SELECT customer_id, MIN(CASE WHEN act <> 'end' THEN t END) AS start_t,
    MAX(CASE WHEN act <> 'end' THEN t END) AS renewal_t,
    SUM(CASE WHEN act = 'renewal' THEN 1 ELSE 0 END) AS renewals
  FROM acts GROUP BY customer_id""",
        ),
        Step(
            "running",
            """SELECT c.customer_id, c.start_t, c.renewal_t, c.renewals, a.price, a.plan, a.term
  FROM contracts AS c JOIN acts AS a ON a.customer_id = c.customer_id
  WHERE a.place = 1 AND a.act <> 'end'""",
        ),
        Step(
            "ended",
            """SELECT i.customer_id, MIN(EPOCH_US(i.occurred_at)) AS end_t
  FROM interactions AS i JOIN contract_events AS e ON e.name = i.name
  WHERE e.act = 'end' AND i.occurred_at > {cut} AND i.occurred_at <= {window}
  GROUP BY i.customer_id""",
        ),
        Step(
            "uses",
            """SELECT i.customer_id, EPOCH_US(i.occurred_at) AS t, i.name,
    EPOCH_US(i.occurred_at) // 86400000000 AS day,
    CASE WHEN i.occurred_at > {d30} THEN 1 ELSE 0 END AS in_30
  FROM interactions AS i JOIN running AS r ON r.customer_id = i.customer_id
  LEFT JOIN contract_events AS e ON e.name = i.name
  WHERE i.occurred_at > {d90} AND i.occurred_at <= {cut} AND e.name IS NULL AND i.type = 'track'
    AND COALESCE(i.channel, '') NOT IN
      ('web', 'mobile', 'email', 'sms', 'push', 'chat', 'social', 'call_centre', 'ivr')""",
        ),
        Step(
            "usage",
            """SELECT customer_id, COUNT(*) AS uses_90, SUM(in_30) AS uses_30,
    COUNT(DISTINCT CASE WHEN in_30 = 1 THEN day END) AS days_30, MAX(t) AS last_t,
    SUM(CASE WHEN name = {order} THEN 1 ELSE 0 END) AS orders_90
  FROM uses GROUP BY customer_id""",
        ),
    ),
    """SELECT r.customer_id, r.renewals, r.price, r.plan, r.term,
    (EPOCH_US({cut}) - r.start_t) / 86400000000.0 AS since_start,
    (EPOCH_US({cut}) - r.renewal_t) / 86400000000.0 AS since_renewal,
    COALESCE(u.uses_30, 0) AS uses_30, COALESCE(u.uses_90, 0) AS uses_90,
    COALESCE(u.days_30, 0) AS days_30, COALESCE(u.orders_90, 0) AS orders_90,
    (EPOCH_US({cut}) - u.last_t) / 86400000000.0 AS since_use,
    (e.end_t - EPOCH_US({cut})) / 86400000000.0 AS ends_in
  FROM running AS r
  LEFT JOIN usage AS u ON u.customer_id = r.customer_id
  LEFT JOIN ended AS e ON e.customer_id = r.customer_id
  ORDER BY r.customer_id""",
)
