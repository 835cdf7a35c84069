"""RFM: how recently, how often, for how much; fifths of the customers of the last year."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
from django.utils.translation import gettext as _

from touchloop.insight.models.api import Feature, Run, Scored, Trained, deciles
from touchloop.insight.scores.lifetime import lake_history, steps

NAME = "rfm"
DAYS = 365


def train(run: Run) -> Trained | None:
    """Count the grid; None before anybody bought. Nothing is estimated: it is a rule."""
    span = lake_history.span(run)
    if span is None:
        return None
    rows = _rows(run, span.last)
    r, f = rows.column("r").to_numpy(), rows.column("f").to_numpy()
    spend = rows.column("spend").to_numpy()
    cells = []
    for recent in range(5, 0, -1):
        for often in range(1, 6):
            there = (r == recent) & (f == often)
            cells.append(
                {"r": recent, "f": often, "n": int(there.sum()), "spend": float(spend[there].sum())}
            )
    words = []
    if rows.num_rows and min(len(np.unique(r)), len(np.unique(f))) < 3:
        words.append(_("Customers hardly differ: the grid has fewer than three rows or columns."))
    return Trained(
        parameters={"days": DAYS, "until": str(lake_history.moment(span.last).date())},
        metrics=(),
        features=(
            Feature("day of the last order", "Order Completed", "bought"),
            Feature("orders of the last 365 days", "Order Completed", "bought"),
            Feature("spend of the last 365 days", "Order Completed", "bought"),
        ),
        n=rows.num_rows,
        since=lake_history.moment(span.last - DAYS).replace(tzinfo=UTC),
        until=lake_history.moment(span.last).replace(tzinfo=UTC),
        words=tuple(words),
        curves={"grid": cells},
        drift={
            "orders": deciles(rows.column("orders").to_numpy()),
            "spend": deciles(spend),
        }
        if rows.num_rows
        else {},
    )


def score(run: Run, trained: Trained) -> Iterator[Scored]:
    """100·R + 10·F + M of everybody who bought within the year."""
    span = lake_history.span(run)
    if span is None:
        return
    rows = _rows(run, span.last)
    end = lake_history.moment(span.last).date()
    inputs = [_inputs(row, end) for row in rows.select(_SHOWN).to_pylist()]
    r, f, m = (rows.column(name).to_numpy() for name in ("r", "f", "m"))
    yield Scored(
        NAME,
        pa.table(
            {
                "customer_id": rows.column("customer_id"),
                "value": pa.array(100.0 * r + 10.0 * f + m, pa.float64()),
                "inputs": pa.array(inputs, pa.string()),
            }
        ),
    )


def _inputs(row: dict[str, Any], end: Any) -> str:
    last = row["last"].date() if isinstance(row["last"], datetime) else row["last"]
    days = (end - last).days
    return json.dumps(
        {
            "reasons": [
                _("last order %(days)d days ago (%(place)d of 5)")
                % {"days": days, "place": row["r"]},
                _("%(n)d orders in a year (%(place)d of 5)")
                % {"n": row["orders"], "place": row["f"]},
                _("%(spend).2f spent in a year (%(place)d of 5)")
                % {"spend": row["spend"], "place": row["m"]},
            ],
            "days": days, "orders": row["orders"], "spend": row["spend"], "horizon": "365 days",
        }
    )  # fmt: skip


def _rows(run: Run, last: int) -> pa.Table:
    return run.engine.query(
        steps.RFM.sql(
            purchase=steps.PURCHASE,
            until=run.now.astimezone(UTC).replace(tzinfo=None),
            since=lake_history.moment(last - DAYS),
        )
    )


_SHOWN = ["r", "f", "m", "last", "orders", "spend"]
