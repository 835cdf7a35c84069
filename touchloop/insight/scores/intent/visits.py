"""Visits cut out of the lake, and rows to learn from: a visit as it was known after some steps.

Of each visit a few of its beginnings are drawn (a long one would outweigh the others), each with
what came later as its outcome: an order, or the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from touchloop.insight.models.api import Run
from touchloop.insight.scores.churn.cut import plain
from touchloop.insight.scores.intent import steps
from touchloop.insight.scores.intent.steps import ACTS, GAP_SECONDS, PLACE
from touchloop.lake.api import Analysis, Step, among
from touchloop.profiles.api import ORDER

Places = NDArray[np.int64]
Bools = NDArray[np.bool_]

DAYS = 90
MOST_ROWS = 2_000_000  # of steps that are read: beyond, every second customer, every third, …
DRAWN = 3  # beginnings of each visit
MOST_DRAWN = 150_000
SOON = 2  # steps within which "leaves" is meant


@dataclass(frozen=True, slots=True)
class Steps:
    """All steps in order of customer and time; `visit` numbers the visits from 0."""

    customers: Places
    at_us: Places
    acts: Places
    phone: Bools
    referrers: NDArray[np.str_]
    visit: Places


@dataclass(frozen=True, slots=True)
class Drawn:
    """Rows to learn from: inputs after a step, whose they are, when, and what came later."""

    inputs: pa.Table
    customers: Places
    days: NDArray[np.float64]
    buys: Bools
    leaves: Bools
    visits: int
    bought: int


def read(run: Run) -> Steps:
    """The steps of the last weeks; of a share of the customers where there are very many."""
    n = int(run.engine.rows(COUNT.sql(**values(run)))[0][0])
    every = max(1, -(-n // MOST_ROWS))
    found = run.engine.query(ANALYSIS.sql(**values(run), every=every))
    customers = found.column("customer_id").to_numpy().astype(np.int64)
    at_us = found.column("t").to_numpy().astype(np.int64)
    types, names = found.column("type").to_pylist(), found.column("name").to_pylist()
    known = {pair: PLACE[steps.act_of(*pair)] for pair in set(zip(types, names, strict=True))}
    sources = found.column("referrer").to_pylist()
    kinds = {source: steps.came_from(source) for source in set(sources)}
    channel = np.array(found.column("channel").fill_null("").to_pylist(), np.str_)
    return Steps(
        customers,
        at_us,
        np.array([known[pair] for pair in zip(types, names, strict=True)], np.int64),
        channel == "mobile",
        np.array([kinds[source] for source in sources], np.str_),
        _visits(customers, at_us),
    )


def values(run: Run) -> dict[str, Any]:
    """The values of the analyses."""
    since = plain(run.now - timedelta(days=DAYS))
    return {"order": ORDER, "since": since, "now": plain(run.now)}


def draw(found: Steps, *, now_us: int, seed: int) -> Drawn:
    """Beginnings of visits that are over, before any order, with what came of them."""
    n = len(found.visit)
    if n == 0:
        return Drawn(pa.table({}), found.customers, np.empty(0), *_nothing(), 0, 0)
    first, last, size = _bounds(found.visit)
    index = np.arange(n)
    start = first[found.visit]
    is_order = found.acts == PLACE["order"]
    orders = np.cumsum(is_order)
    before = orders - is_order - (orders[start] - is_order[start])  # in this visit, so far
    ends_us = found.at_us[last]
    bought = np.add.reduceat(is_order, first) > 0
    over = ends_us < now_us - GAP_SECONDS * 1_000_000
    open_rows = over[found.visit] & (before == 0) & ~is_order
    chosen = _some(np.flatnonzero(open_rows), found.visit, seed)
    visit = found.visit[chosen]
    left = last[visit] - index[chosen]
    buys = bought[visit]
    of_customer = _first_of(found.customers)[chosen]
    inputs = steps.inputs(
        counts=_counts(found.acts, start, chosen),
        started_us=found.at_us[start[chosen]],
        at_us=found.at_us[chosen],
        before_us=found.at_us[np.maximum(chosen - 1, start[chosen])],
        visits=visit - found.visit[of_customer],
        orders=(orders - is_order)[start[chosen]] - (orders - is_order)[of_customer],
        phone=found.phone[start[chosen]],
        referrers=found.referrers[start[chosen]],
    )
    return Drawn(
        inputs,
        found.customers[chosen],
        found.at_us[start[chosen]] / 86_400e6,
        np.asarray(buys),
        np.asarray(~buys & (left <= SOON)),
        len(size),
        int(bought.sum()),
    )


def earlier(found: Steps) -> tuple[Places, Places, Places]:
    """For each customer how many visits and orders there were: ids, visits, orders."""
    ids, first = np.unique(found.customers, return_index=True)
    if not len(ids):
        return ids, ids, ids
    ends = np.append(first[1:], len(found.customers)) - 1
    visits = found.visit[ends] - found.visit[first] + 1
    orders = np.add.reduceat((found.acts == PLACE["order"]).astype(np.int64), first)
    return ids, visits, orders


def _visits(customers: Places, at_us: Places) -> Places:
    if not len(customers):
        return np.empty(0, np.int64)
    fresh = np.ones(len(customers), bool)
    fresh[1:] = (np.diff(customers) != 0) | (np.diff(at_us) > GAP_SECONDS * 1_000_000)
    return np.asarray(np.cumsum(fresh) - 1, np.int64)


def _bounds(visit: Places) -> tuple[Places, Places, Places]:
    first = np.flatnonzero(np.append(True, np.diff(visit) != 0))
    last = np.append(first[1:], len(visit)) - 1
    return first, last, last - first + 1


def _some(rows: Places, visit: Places, seed: int) -> Places:
    """At most a few rows of each visit, drawn evenly; in their order."""
    chance = np.random.default_rng(seed).random(len(rows))
    order = np.lexsort((chance, visit[rows]))
    sorted_visits = visit[rows][order]
    starts = np.flatnonzero(np.append(True, np.diff(sorted_visits) != 0)) if len(rows) else rows
    sizes = np.diff(np.append(starts, len(rows)))
    place = np.arange(len(rows)) - np.repeat(starts, sizes)
    chosen = order[place < DRAWN]
    if len(chosen) > MOST_DRAWN:
        chosen = chosen[np.argsort(chance[chosen], kind="stable")[:MOST_DRAWN]]
    return np.sort(rows[chosen])


def _counts(acts: Places, start: Places, chosen: Places) -> Places:
    """Rows × ACTS: how often each act was in the visit so far."""
    found = np.zeros((len(chosen), len(ACTS)), np.int64)
    for place in range(len(ACTS)):
        running = np.cumsum(acts == place)
        first = start[chosen]
        found[:, place] = running[chosen] - running[first] + (acts[first] == place)
    return found


def _first_of(customers: Places) -> Places:
    fresh = np.append(True, np.diff(customers) != 0)
    return np.asarray(np.maximum.accumulate(np.where(fresh, np.arange(len(customers)), 0)))


def _nothing() -> tuple[Bools, Bools]:
    return np.empty(0, bool), np.empty(0, bool)


_NAMED = among("i.name", steps.EVENTS)
_WHERE = f"""FROM interactions AS i JOIN people AS p ON p.customer_id = i.customer_id
  WHERE i.occurred_at > {{since}} AND i.occurred_at <= {{now}}
    AND (i.type IN ('page', 'screen') OR i.type = 'track' AND {_NAMED})
    AND (i.channel IN ('web', 'mobile') OR (i.name = {{order}} AND COALESCE(i.channel, '') = ''))"""

COUNT = Analysis("intent_count", (), f"SELECT COUNT(*) AS n {_WHERE}")

ANALYSIS = Analysis(
    "intent_steps",
    (
        Step(
            "seen",
            f"""SELECT i.customer_id, i.interaction_id, EPOCH_US(i.occurred_at) AS t,
    i.type, i.name, i.channel, JSON_EXTRACT_STRING(i.properties, '$."referrer"') AS referrer
  {_WHERE} AND i.customer_id % {{every}} = 0""",
        ),
    ),
    """SELECT customer_id, t, type, name, channel, referrer FROM seen
  ORDER BY customer_id, t, interaction_id""",
)
