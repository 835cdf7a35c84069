"""Everybody who may be profiled as a row of numbers: what they do, buy, use, and are known for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchloop.insight.likeness.contrast import words_of
from touchloop.insight.models.api import Run
from touchloop.lake.api import Analysis, Step

WINDOW = timedelta(days=365)
FEWEST = 20  # people who share a thing before it is a feature
MOST_THINGS, MOST_WORDS, MOST_VALUES = 60, 40, 12
HABITS = ("orders", "spend", "recency", "tenure")
CATEGORY = {"event": "behaviour", "channel": "behaviour", "trait": "told_us"}

Floats = NDArray[np.float64]
Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True, order=True)
class Column:
    """One input: (habit, orders), (department, DELI), (event, …), (channel, …), (trait, "a=b")."""

    kind: str
    value: str

    @property
    def category(self) -> str:
        """Consent's category of what it is made of."""
        return CATEGORY.get(self.kind, "bought")


@dataclass(frozen=True, slots=True)
class Material:
    """What is read once: ids ascending; counts by column and row; habits by row."""

    ids: Ids
    counts: Mapping[Column, tuple[Ids, Floats]]  # rows, numbers

    def matrix(self, columns: Sequence[Column]) -> Floats:
        """Rows in the order of `ids`; counts by their logarithm, what is missing is 0."""
        made = np.zeros((len(self.ids), len(columns)))
        for place, column in enumerate(columns):
            if column in self.counts:
                rows, numbers = self.counts[column]
                made[rows, place] = numbers
        return made


def read(run: Run) -> Material:
    """Everybody in `people` with their last year. The relations are read once each."""
    values = {
        "since": (run.now - WINDOW).replace(tzinfo=None),
        "now": run.now.replace(tzinfo=None),
    }
    ids = np.asarray(run.engine.query(IDS.sql()).column(0).to_numpy(), np.int64)
    run.progress("what they did and bought", 0.1)
    counts: dict[Column, tuple[Ids, Floats]] = {}
    found = run.engine.query(COUNTS.sql(**values, fewest=FEWEST))
    counts |= _counts(ids, found)
    run.progress("how often and how much", 0.4)
    counts |= _habits(ids, run.engine.query(HABIT.sql(**values)))
    run.progress("what they are known for", 0.5)
    counts |= _words(ids, run.engine.rows(KNOWN.sql()))
    return Material(ids, counts)


def usual(material: Material, *, without: frozenset[Column]) -> list[Column]:
    """The columns worth learning from: the most common of each sort, without those refused."""
    size = {column: len(rows) for column, (rows, _n) in material.counts.items()}
    usable = [column for column in size if column not in without]
    habits = [column for column in usable if column.kind == "habit"]
    words = [column for column in usable if column.kind == "trait"]
    things = [column for column in usable if column.kind not in ("habit", "trait")]
    everybody = len(material.ids)
    kept = []
    for found, most in ((things, MOST_THINGS), (words, MOST_WORDS)):
        telling = [column for column in found if FEWEST <= size[column] <= everybody - FEWEST]
        kept += sorted(telling, key=lambda column: (-size[column], column))[:most]
    return sorted(habits) + kept


def _counts(ids: Ids, found: Any) -> dict[Column, tuple[Ids, Floats]]:
    names = list(
        zip(found.column("kind").to_pylist(), found.column("value").to_pylist(), strict=True)
    )
    if not names:
        return {}
    rows = np.searchsorted(ids, found.column("customer_id").to_numpy())
    numbers = np.log1p(found.column("n").to_numpy().astype(np.float64))
    places: dict[tuple[str, str], list[int]] = {}
    for at, name in enumerate(names):
        places.setdefault(name, []).append(at)
    return {Column(*name): (rows[at], numbers[at]) for name, at in places.items()}


def _habits(ids: Ids, found: Any) -> dict[Column, tuple[Ids, Floats]]:
    rows = np.searchsorted(ids, found.column("customer_id").to_numpy())
    return {
        Column("habit", name): (
            rows, np.log1p(np.nan_to_num(found.column(name).to_numpy().astype(np.float64)).clip(0))
        )
        for name in HABITS
    }  # fmt: skip


def _words(ids: Ids, found: Iterable[tuple[int, str | None]]) -> dict[Column, tuple[Ids, Floats]]:
    holders: dict[tuple[str, str], list[int]] = {}
    for customer, text in found:
        for word in words_of(text):
            holders.setdefault(word, []).append(customer)
    values = Counter(name for name, _value in holders)
    made = {}
    for (name, value), customers in holders.items():
        if values[name] <= MOST_VALUES and len(customers) >= FEWEST:
            rows = np.searchsorted(ids, np.array(sorted(customers), np.int64))
            made[Column("trait", f"{name}={value}")] = (rows, np.ones(len(rows)))
    return made


_DID = Step(
    "did",
    "SELECT i.customer_id, i.name, i.channel, i.occurred_at, i.value\n"
    "  FROM interactions AS i JOIN people AS p ON p.customer_id = i.customer_id\n"
    "  WHERE i.occurred_at > {since} AND i.occurred_at <= {now} AND i.type <> 'system'",
)
_BOUGHT = Step(
    "bought",
    "SELECT l.customer_id, l.department, l.interaction_id\n"
    "  FROM lines AS l JOIN people AS p ON p.customer_id = l.customer_id\n"
    "  WHERE l.occurred_at > {since} AND l.occurred_at <= {now}\n"
    "  AND l.department IS NOT NULL AND l.department <> ''",
)
_THINGS = Step(
    "things",
    "SELECT customer_id, 'event' AS kind, name AS value, COUNT(*) AS n FROM did"
    " WHERE name IS NOT NULL AND name <> '' GROUP BY customer_id, name\n"
    "  UNION ALL SELECT customer_id, 'channel' AS kind, channel AS value, COUNT(*) AS n FROM did"
    " WHERE channel IS NOT NULL AND channel <> '' GROUP BY customer_id, channel\n"
    "  UNION ALL SELECT customer_id, 'department' AS kind, department AS value,"
    " COUNT(DISTINCT interaction_id) AS n FROM bought GROUP BY customer_id, department",
)
_COMMON = Step(
    "common",
    "SELECT kind, value FROM things GROUP BY kind, value HAVING COUNT(*) >= {fewest}",
)
IDS = Analysis("likeness_people", (), "SELECT customer_id FROM people ORDER BY customer_id")
COUNTS = Analysis(
    "likeness_counts",
    (_DID, _BOUGHT, _THINGS, _COMMON),
    "SELECT t.customer_id, t.kind, t.value, t.n FROM things AS t"
    " JOIN common AS c ON c.kind = t.kind AND c.value = t.value"
    " ORDER BY t.kind, t.value, t.customer_id",
)
HABIT = Analysis(
    "likeness_habits",
    (_DID,),
    "SELECT customer_id,\n"
    "  CAST(SUM(CASE WHEN name = 'Order Completed' THEN 1 ELSE 0 END) AS DOUBLE) AS orders,\n"
    "  CAST(SUM(CASE WHEN name = 'Order Completed' THEN COALESCE(value, 0) ELSE 0 END) AS DOUBLE)"
    " AS spend,\n"
    "  (EPOCH_US({now}) - EPOCH_US(MAX(occurred_at))) / 86400000000.0 AS recency,\n"
    "  (EPOCH_US({now}) - EPOCH_US(MIN(occurred_at))) / 86400000000.0 AS tenure\n"
    "FROM did GROUP BY customer_id ORDER BY customer_id",
)
KNOWN = Analysis(
    "likeness_traits",
    (),
    "SELECT c.customer_id, c.traits FROM customers AS c"
    " JOIN people AS p ON p.customer_id = c.customer_id\n"
    "WHERE c.traits IS NOT NULL ORDER BY c.customer_id",
)
