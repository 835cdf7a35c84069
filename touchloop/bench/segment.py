"""Segments over everybody: the compiled rules over a lake, beside SQL written by hand for each.

The rules run on the chosen engine; the SQL by hand is plain DuckDB's, over the same files.

The data is made straight into files laid out as the lake's compaction leaves them: by event name,
then customer, then time, in row groups of the lake's size.
"""

from __future__ import annotations

import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from deltalake.transaction import AddAction, RemoveAction
from pyarrow import parquet

from touchloop.bench import installation
from touchloop.cli import runtime

NOW = datetime(2026, 7, 1, tzinfo=UTC)
DAYS = 365
# Events as a shop with an app has them; a customer does each kind equally often.
KINDS = (
    ("Email Opened", 12), ("Order Completed", 10), ("Page Viewed", 40), ("Product Added", 10),
    ("Product Viewed", 20), ("Search", 8),
)  # fmt: skip
ORDER, ADDED = "Order Completed", "Product Added"
RUNS = 3
ROW_GROUP = 262_144

Json = dict[str, Any]


def run(
    *,
    customers: int = 1_000_000,
    interactions: int = 100_000_000,
    engine: str | None = None,
    home: Path | None = None,
) -> Json:
    """Seconds by key, on the engine of this name, else of TOUCHLOOP_ENGINE.

    `home` is a folder for the data, which is removed afterwards. Raises WrongSetting for an engine
    that is none, or that lacks what it needs.
    """
    folder = Path(tempfile.mkdtemp(prefix="touchloop-bench-", dir=home))
    try:
        return _measure(folder, customers, interactions, engine)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measure(folder: Path, customers: int, interactions: int, chosen: str | None) -> Json:
    runtime.setup_django()  # rules are explained in the reader's language
    from touchloop.lake import api as lake

    lake.engine_name(chosen)  # before the data is made
    make(folder, customers=customers, interactions=interactions)
    people = pa.table({"customer_id": pa.array(range(customers), pa.int64())})
    for name in lake.BOUND["customers"].names[1:]:
        kind = lake.BOUND["customers"].field(name).type
        people = people.append_column(name, pa.nulls(customers, kind))
    results: Json = {}
    made = lake.Lake(str(folder))
    with (
        lake.engine(name=chosen, lake=made, customers=people) as engine,
        lake.duckdb_engine(lake=made, customers=people) as plain,
    ):
        for key, (rule, by_hand, target) in _cases().items():
            value, members = _timed(partial(_compiled, engine, rule))
            baseline, expected = _timed(partial(_by_hand, plain, by_hand))
            if members != expected:
                raise AssertionError(f"{key}: {members} members, by hand {expected}")
            results[key] = installation.result(
                value, "s", target=target, baseline=baseline,
                baseline_name="plain DuckDB: SQL written by hand for this question, same files",
            )  # fmt: skip
    return results


def make(folder: Path, *, customers: int, interactions: int) -> None:
    """Files of both tables of a lake; `interactions` rows, the same for every call."""
    (folder / "interactions").mkdir(parents=True)
    with duckdb.connect(config={"preserve_insertion_order": "true"}) as connection:
        first = 0
        for name, share in KINDS:
            rows = interactions * share // 100
            each = max(1, rows // customers)  # of this kind, for each customer
            file = folder / "interactions" / f"{name.lower().replace(' ', '-')}.parquet"
            connection.execute(
                _MADE.format(
                    name=name,
                    first=first,
                    rows=each * customers,
                    each=each,
                    span=DAYS * 86_400_000_000,
                    end=f"{NOW:%Y-%m-%d %H:%M:%S}",
                    file=file,
                    group=ROW_GROUP,
                )  # fmt: skip
            )
            first += each * customers
    _commit(folder)


def _commit(folder: Path) -> None:
    """Make the files one version of the lake's table."""
    from touchloop.lake.tables import INTERACTIONS, Lake, open_table

    table = open_table(INTERACTIONS, lake=Lake(str(folder)))
    added: list[AddAction | RemoveAction] = [
        AddAction(file.name, file.stat().st_size, {}, 0, True,
                  json.dumps({"numRecords": parquet.read_metadata(file).num_rows}))
        for file in sorted((folder / INTERACTIONS).glob("*.parquet"))
    ]  # fmt: skip
    table.create_write_transaction(added, "append", table.schema())


# Customers differ: one in four does something only in the first half of the year.
_MADE = """
COPY (
  SELECT i + {first} AS interaction_id, i // {each} AS subject_id, 'track' AS type,
    '{name}' AS name, CASE WHEN hash(i) % 4 = 0 THEN 'store' ELSE 'web' END AS channel,
    'place ' || (i // {each}) % 300 AS location,
    TIMESTAMP '{end}' - to_microseconds(CAST(
      (1 - (i % {each} + (hash(i, '{name}') % 1000000) / 1e6) / {each}
        * (CASE WHEN hash(i // {each}, 'gone') % 4 = 0 THEN 0.5 ELSE 1 END)) * {span}
    AS BIGINT)) AS occurred_at,
    CAST(hash(i, 'value') % 20000 AS DOUBLE) / 100 AS value,
    '{{"n":' || i % 100 || '}}' AS properties
  FROM range({rows}) AS r(i)
) TO '{file}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE {group})
"""


def _cases() -> dict[str, tuple[Json, str, float]]:
    """The rule, the same by hand, and the target in seconds."""
    quarter, month = f"{NOW - timedelta(days=90):%Y-%m-%d}", 30 * 86_400_000_000
    recent = f"name = '{ORDER}' AND occurred_at > TIMESTAMP '{quarter}'"
    recent += f" AND occurred_at <= TIMESTAMP '{NOW:%Y-%m-%d}'"
    window = {"window": {"last": 90, "unit": "days"}}
    count = {"events": [ORDER], "measure": "count", "op": "gte", "value": 3, **window}
    total = {
        "events": [ORDER],
        "measure": "sum",
        "of": "value",
        "op": "gte",
        "value": 300,
        **window,
    }
    absence = {"events": [ORDER], "measure": "absence", **window}
    followed = {
        "first": {"events": [ADDED]}, "then": {"events": [ORDER]},
        "within": {"last": 30, "unit": "days"},
    }  # fmt: skip
    grouped = f"SELECT customer_id FROM interactions WHERE {recent} GROUP BY customer_id HAVING"
    return {
        "count_s": (
            {"interactions": count}, f"SELECT COUNT(*) FROM ({grouped} COUNT(*) >= 3)", 1.5,
        ),
        "sum_s": (
            {"interactions": total},
            f"SELECT COUNT(*) FROM ({grouped} ROUND(SUM(value), 4) >= 300)",
            1.5,
        ),
        "absence_s": (
            {"interactions": absence},
            "SELECT COUNT(*) FROM customers WHERE customer_id NOT IN"
            f" (SELECT customer_id FROM interactions WHERE {recent})",
            1.5,
        ),
        "sequence_s": ({"sequence": followed}, _SEQUENCE.format(month=month), 4.0),
    }  # fmt: skip


_SEQUENCE = f"""
SELECT COUNT(DISTINCT customer_id) FROM (
  SELECT customer_id, name, occurred_at,
    LAG(name) OVER w AS before_name, LAG(occurred_at) OVER w AS before_at
  FROM interactions WHERE name IN ('{ADDED}', '{ORDER}')
    AND occurred_at <= TIMESTAMP '{NOW:%Y-%m-%d}'
  WINDOW w AS (PARTITION BY customer_id ORDER BY occurred_at, name)
) AS s
WHERE name = '{ORDER}' AND before_name = '{ADDED}'
  AND occurred_at <= before_at + to_microseconds({{month}})
"""


def _compiled(engine: Any, rule: Json) -> int:
    from touchloop.insight.segments.api import RuleSet, compile_rules, parse

    compiled = compile_rules(RuleSet(((0, parse(rule)),)))
    found: int = engine.rows(
        compiled.sql(NOW, select="SELECT COUNT(*) FILTER (WHERE s0) FROM answer")
    )[0][0]
    return found


def _by_hand(engine: Any, sql: str) -> int:
    found: int = engine.rows(sql)[0][0]
    return found


def _timed(work: Callable[[], int]) -> tuple[float, int]:
    """The median of some runs, with the files in the system's cache, and the answer."""
    answer, seconds = work(), []
    for _run in range(RUNS):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds), answer
