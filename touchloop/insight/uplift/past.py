"""What was known of people before the sides parted: their purchases until then, nothing later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from touchloop.insight.models.api import Run
from touchloop.insight.uplift.experiment import Floats
from touchloop.lake.api import Analysis, Step

PURCHASE = "Order Completed"
NAMES = (
    "orders in a year", "spend in a year", "value of an order", "days since the last order",
    "days since the first order",
)  # fmt: skip
DEPARTMENTS = 8
NEVER = 3_650.0  # days, in the place of "no order"


@dataclass(frozen=True, slots=True)
class Past:
    """Features of each customer, in the order in which they were asked for."""

    features: Floats
    names: tuple[str, ...]
    groups: dict[str, npt.NDArray[Any]]

    def only(self, rows: npt.NDArray[np.bool_]) -> Past:
        """Some of the customers."""
        groups = {name: values[rows] for name, values in self.groups.items()}
        return Past(self.features[rows], self.names, groups)


def read(run: Run, moments: pa.Table, *, departments: list[str] | None = None) -> Past:
    """Features at a moment of each customer (columns customer_id, at).

    `departments` are those that a model was taught with; None: the largest ones.
    """
    asked = moments.select(["customer_id", "at"]).rename_columns(["customer_id", "moment"])
    run.engine.bind("moments", asked)
    ids = moments.column("customer_id").to_numpy()
    found = run.engine.query(PURCHASES.sql(purchase=PURCHASE))
    place = {int(customer): row for row, customer in enumerate(ids)}
    rows = np.array([place[int(each)] for each in found.column("customer_id").to_pylist()])
    features = np.zeros((len(ids), len(NAMES)))
    features[:, 3:] = NEVER
    if len(rows):
        columns = (found.column(name).to_numpy(zero_copy_only=False).astype(np.float64) for name in
                   ("orders", "spend", "mean", "last_days", "first_days"))  # fmt: skip
        features[rows] = np.column_stack([np.nan_to_num(each) for each in columns])
    spent = run.engine.query(BY_DEPARTMENT.sql(purchase=PURCHASE))
    known = departments if departments is not None else _largest(spent)
    more = np.zeros((len(ids), len(known)))
    column = {name: number for number, name in enumerate(known)}
    for customer, name, amount in zip(
        *(spent.column(each).to_pylist() for each in ("customer_id", "department", "spend")),
        strict=True,
    ):
        if name in column:
            more[place[int(customer)], column[name]] = amount
    names = (*NAMES, *(f"spend on {name}" for name in known))
    return Past(np.column_stack([features, more]), names, _groups(features, more, known))


def departments_of(names: tuple[str, ...]) -> list[str]:
    """The departments among the names of features."""
    return [name.removeprefix("spend on ") for name in names if name.startswith("spend on ")]


def _largest(spent: pa.Table) -> list[str]:
    if not spent.num_rows:
        return []
    names, count = np.unique(
        np.asarray(spent.column("department").to_pylist(), dtype=str), return_counts=True
    )
    order = np.lexsort((names, -count))
    return [str(names[place]) for place in order[:DEPARTMENTS]]


def _groups(features: Floats, more: Floats, known: list[str]) -> dict[str, npt.NDArray[Any]]:
    orders, last = features[:, 0], features[:, 3]
    often = np.select(
        [orders == 0, orders <= 3, orders <= 12], ["none", "1 to 3", "4 to 12"], "more than 12"
    )
    recent = np.select([last <= 30, last <= 90], ["up to 30 days ago", "31 to 90 days ago"],
                       "longer ago")  # fmt: skip
    found: dict[str, npt.NDArray[Any]] = {"orders in a year": often, "last order": recent}
    for number, name in enumerate(known):
        found[f"bought {name}"] = np.where(more[:, number] > 0, "yes", "no")
    return found


_BEFORE = Step(
    "bought_before",
    """SELECT m.customer_id, m.moment, i.occurred_at, COALESCE(i.value, 0) AS value
  FROM moments AS m
  JOIN people AS p ON p.customer_id = m.customer_id
  JOIN interactions AS i ON i.customer_id = m.customer_id AND i.occurred_at < m.moment
  WHERE i.name = {purchase}""",
)
PURCHASES = Analysis(
    "purchases_before",
    (_BEFORE,),
    """SELECT customer_id,
  SUM(CASE WHEN occurred_at > moment - INTERVAL '365' DAY THEN 1 ELSE 0 END) AS orders,
  ROUND(SUM(CASE WHEN occurred_at > moment - INTERVAL '365' DAY THEN value ELSE 0.0 END), 4)
    AS spend,
  ROUND(AVG(value), 4) AS mean,
  MIN(DATE_DIFF('day', occurred_at, moment)) AS last_days,
  MAX(DATE_DIFF('day', occurred_at, moment)) AS first_days
FROM bought_before GROUP BY customer_id ORDER BY customer_id""",
)
BY_DEPARTMENT = Analysis(
    "departments_before",
    (),
    """SELECT m.customer_id, l.department, ROUND(SUM(l.amount), 4) AS spend
FROM moments AS m
JOIN people AS p ON p.customer_id = m.customer_id
JOIN lines AS l ON l.customer_id = m.customer_id AND l.occurred_at < m.moment
  AND l.occurred_at > m.moment - INTERVAL '365' DAY
WHERE l.name = {purchase} AND l.department IS NOT NULL AND l.department <> ''
GROUP BY m.customer_id, l.department HAVING SUM(l.amount) > 0
ORDER BY m.customer_id, l.department""",
)
