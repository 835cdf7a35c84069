"""One logic, two engines: each question is asked of DuckDB and of a small cluster of Spark.

All in this one file, so that one process starts one cluster.
"""

from __future__ import annotations

import importlib
import math
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread, Timer, current_thread
from typing import Any, cast

import pytest
import time_machine

from tests.engines import cluster, phrases, world
from tests.engines.world import World
from touchloop import insight
from touchloop.core.errors import Invalid
from touchloop.insight.segments import api as segments
from touchloop.insight.segments.tests import worlds
from touchloop.insight.segments.tests.test_golden import RULES
from touchloop.lake import api as lake
from touchloop.lake.api import Analysis, Engine
from touchloop.lake.engines.spark import Spark

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
LONG = "SELECT COUNT(*) FROM range(30000) AS a(i), range(30000) AS b(j) WHERE (a.i * b.j) % 7 = 3"


@dataclass(frozen=True)
class Both:
    """The same relations on both engines."""

    world: World
    duckdb: Engine
    spark: Engine

    def agree(self, query: str, params: Any = None, *, named: bool = True) -> int:
        """How many rows both give; fails where they differ, the order aside."""
        one, other = (x.query(query, params) for x in (self.duckdb, self.spark))
        assert not named or one.schema.names == other.schema.names
        if one.num_rows:  # without rows DuckDB does not know the types of all columns
            assert [str(x) for x in one.schema.types] == [str(x) for x in other.schema.types]
        assert _sorted(one) == _sorted(other)
        return int(one.num_rows)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    folder = tmp_path_factory.mktemp("engines")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in cluster.settings(folder).items():
            patch.setenv(name, value)
        patch.delenv("SPARK_REMOTE", raising=False)
        made = world.make(folder)
        with (
            lake.engine(name="duckdb", lake=made.lake, threads=1, **made.bound) as duckdb,
            lake.engine(name="spark", lake=made.lake, **made.bound) as spark,
        ):
            for engine in (duckdb, spark):
                engine.bind("people", made.people)
                engine.bind("described", made.people.slice(0, made.people.num_rows // 2))
                engine.bind("t", phrases.TABLE)
            yield Both(made, duckdb, spark)
            context = cast(Any, spark).session.sparkContext
        context.stop()  # its processes would go on beside later tests


def analyses() -> list[tuple[Analysis, dict[str, object]]]:
    """What every room of insight asks of an engine."""
    found: list[tuple[Analysis, dict[str, object]]] = []
    for room in pkgutil.iter_modules(insight.__path__, "touchloop.insight."):
        if room.ispkg:
            api = importlib.import_module(f"{room.name}.api")
            found += getattr(api, "ANALYSES", ())
    return found


def test_executors_are_processes_of_their_own(both: Both) -> None:
    session: Any = both.spark.session  # type: ignore[attr-defined]
    known = session.sparkContext.statusTracker()._jtracker.getExecutorInfos()
    assert len(known) == 3  # the driver and two that work


def test_both_read_every_row_of_the_lake(both: Both) -> None:
    for relation in ("interactions", "lines", "customers", "members", "scores"):
        assert both.agree(f"SELECT * FROM {relation}") >= world.CUSTOMERS
    moved = "SELECT COUNT(*) FROM interactions WHERE customer_id > 240"
    assert both.spark.rows(moved) == [(0,)]


def test_values_are_made_alike(both: Both) -> None:
    columns = [f"{phrase} AS v{i}" for i, phrase in enumerate(phrases.VALUES)]
    one, other = (x.query(f"SELECT {', '.join(columns)} FROM t") for x in (both.duckdb, both.spark))
    for i, phrase in enumerate(phrases.VALUES):
        said = [(_sorted(x.select([f"v{i}"])), str(x.schema.types[i])) for x in (one, other)]
        assert said[0] == said[1], phrase


@pytest.mark.parametrize("query", phrases.QUERIES)
def test_queries_are_answered_alike(both: Both, query: str) -> None:
    both.agree(query, named=False)  # each engine has own names for what has none


def test_parameters_are_values_and_nothing_else(both: Both) -> None:
    odd = "b'c\\ ${env:HOME} -- :x ? \n\"é"
    both.agree("SELECT $s AS s, $n AS n, $at AS at_, $d AS d, $f AS f FROM t WHERE a > $n",
               {"s": odd, "n": 1, "at": datetime(2026, 1, 1, 0, 0, 0, 1), "d": 0.1, "f": False}
               )  # fmt: skip
    assert both.spark.rows("SELECT ?, ?", [odd, None]) == [(odd, None)]


def test_what_engines_answer_differently_is_refused(both: Both) -> None:
    for query in ("SELECT HASH(a) FROM t", "SELECT SKEWNESS(x) FROM t",
                  "SELECT REGEXP_REPLACE(s, 'a', 'b') FROM t"):  # fmt: skip
        with pytest.raises(Invalid):
            both.spark.query(query)


@pytest.mark.parametrize("name", RULES)
def test_segments_have_the_same_members_and_instants(both: Both, name: str) -> None:
    rules = segments.RuleSet(((1, segments.parse(RULES[name])),))
    compiled = segments.compile_rules(rules, due=True)
    assert both.agree(compiled.sql(NOW)) == world.CUSTOMERS
    held = compiled.sql(NOW, select="SELECT COUNT(*) FROM answer WHERE s1")
    assert both.duckdb.rows(held)[0][0] > 0  # or nothing was compared


def test_odd_values_are_read_alike_by_random_rules(both: Both) -> None:
    rules, people = world.random_rules()
    compiled = segments.compile_rules(rules, due=True)
    sql = compiled.sql(worlds.NOON.replace(tzinfo=UTC))
    answers = []
    for name in ("duckdb", "spark"):
        with lake.engine(name=name, lake=both.world.lake) as engine:
            for relation, table in worlds.relations(people).items():
                engine.bind(relation, table)
            answers.append(_sorted(engine.query(sql)))
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    ("analysis", "values"), [pytest.param(*found, id=found[0].name) for found in analyses()]
)
def test_analyses_give_equal_results(
    both: Both, analysis: Analysis, values: dict[str, object]
) -> None:
    both.agree(analysis.sql(**values))


@pytest.mark.parametrize("name", ["duckdb", "spark"])
def test_long_work_tells_how_far_it_is_and_can_be_called_off(both: Both, name: str) -> None:
    engine: Engine = getattr(both, name)
    told: list[float] = []

    class CalledOff(Exception):
        """By the person who waits."""

    def tell(share: float) -> None:
        told.append(share)
        if len(told) == 2:
            raise CalledOff

    with pytest.raises(CalledOff), lake.watched(engine, tell, every=0.05):
        engine.rows(LONG)
    assert all(0 <= share <= 1 for share in told) and len(told) == 2
    assert engine.progress() is None or name == "duckdb"
    Timer(0.1, engine.interrupt).start()
    with pytest.raises(lake.Stopped):
        engine.keep("never", LONG)
    assert engine.rows("SELECT COUNT(*) FROM t") == [(6,)]  # and can be asked further


def test_a_late_stop_does_not_reach_the_next_query(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stop is under way to Spark while the query ends, and comes back during the next one."""
    spark = cast(Spark, both.spark)
    next_runs, real = Event(), spark.session.sparkContext.cancelJobGroup
    stops: list[Thread] = []

    def slowly(group: str) -> None:
        real(group)
        stops.append(current_thread())
        next_runs.wait(30)

    monkeypatch.setattr(spark.session.sparkContext, "cancelJobGroup", slowly)
    Timer(0.1, spark.interrupt).start()
    with pytest.raises(lake.Stopped):
        spark.rows(LONG)
    with spark._run():
        next_runs.set()
        stops[0].join(5)
        assert not stops[0].is_alive() and len(stops) == 1


@pytest.mark.parametrize("name", ["duckdb", "spark"])
def test_what_is_kept_is_read_again(both: Both, name: str) -> None:
    engine: Engine = getattr(both, name)
    engine.keep("kept", "SELECT a, s FROM t WHERE a > $least", {"least": 1})
    engine.view("doubled", "SELECT a * 2 AS b FROM kept")
    assert sorted(engine.rows("SELECT b FROM doubled")) == [(4,), (6,)]
    assert engine.explain("SELECT b FROM doubled")


def test_what_is_left_out_is_in_no_relation(both: Both) -> None:
    answers = []
    for name in ("duckdb", "spark"):
        with lake.engine(name=name, lake=both.world.lake, **both.world.bound) as engine:
            before = [engine.rows(f"SELECT COUNT(*) FROM {each}")[0][0] for each in lake.TABLES]
            found = engine.query(
                "SELECT interaction_id FROM interactions WHERE interaction_id % 5 = 0"
            )
            engine.leave_out(found)
            after = [engine.rows(f"SELECT COUNT(*) FROM {each}")[0][0] for each in lake.TABLES]
            assert before[0] - after[0] == found.num_rows > 0 and after[1] < before[1]
            lines = "SELECT COUNT(*) FROM lines WHERE interaction_id % 5 = 0"
            assert engine.rows(lines) == [(0,)]
            answers.append(after)
    assert answers[0] == answers[1]


def test_an_empty_lake_is_an_empty_answer(both: Both, tmp_path: Path) -> None:
    with lake.engine(name="spark", lake=lake.Lake(str(tmp_path))) as engine:
        assert engine.rows("SELECT COUNT(*) FROM interactions") == [(0,)]
        assert engine.query("SELECT * FROM lines").num_rows == 0
    assert both.spark.rows("SELECT COUNT(*) FROM customers") == [(world.CUSTOMERS,)]


@pytest.fixture
def each_engine(both: Both, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], None]:
    """Does the same under each setting, and compares."""

    def compare(ask: Callable[[], Any]) -> None:
        monkeypatch.setenv("LAKE_URL", both.world.lake.url)
        answers = []
        for name in ("duckdb", "spark"):
            monkeypatch.setenv("TOUCHLOOP_ENGINE", name)
            assert lake.engine_name() == name
            answers.append(ask())
        assert answers[0] == answers[1]

    return compare


def test_segments_are_filled_alike(
    each_engine: Callable[[Callable[[], Any]], None], transactional_db: None
) -> None:
    from touchloop.core import db

    rule = {"interactions": {"events": [world.ORDER], "measure": "count", "op": "gte", "value": 3,
                             "window": {"last": 90, "unit": "days"}}}  # fmt: skip

    def ask() -> Any:
        with db.connect() as conn:
            found = segments.preview(conn, {"not": rule}, NOW)
            compared = segments.compare(conn, rule, {"not": rule}, NOW)
            assert found.total == 0 == compared.total
            conn.execute(_CUSTOMERS, [world.CUSTOMERS])
            given: dict[str, Any] = {"rule": rule, "purpose": "improve", "actor": None, "now": NOW}
            made = segments.create("Often", conn=conn, **given)
            filled = segments.fill(conn, made.id, NOW)
            seen = segments.preview(conn, rule, NOW)
            conn.rollback()
        entered = sorted(change.customer_id for change in filled.changes)
        return entered, sorted(filled.due.items()), seen.count, seen.total, seen.sample

    each_engine(ask)


def test_pages_are_answered_alike(
    each_engine: Callable[[Callable[[], Any]], None], transactional_db: None
) -> None:
    from django.core.cache import cache

    from touchloop.console.loop import figures
    from touchloop.console.segments import moves

    def ask() -> Any:
        cache.clear()
        seen = figures.fresh()
        return moves.latest(1), moves.by_day(2), seen.interactions, seen.happened, seen.left

    with time_machine.travel(datetime(2026, 6, 20, 15, tzinfo=UTC), tick=False):
        each_engine(ask)


def test_a_watched_block_stops_between_two_queries(both: Both) -> None:
    seen = Event()

    def tell(share: float) -> None:
        seen.set()
        raise RuntimeError("off")

    with pytest.raises(RuntimeError, match="off"), lake.watched(both.duckdb, tell, every=0.02):
        while not seen.is_set():
            both.duckdb.rows("SELECT 1")
        both.duckdb.rows(LONG)


def _sorted(table: Any) -> list[Any]:
    rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
    return sorted((_known(row) for row in rows), key=repr)


def _known(value: Any) -> Any:
    """A value with doubles to ten digits."""
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else float(f"{value:.10g}") + 0.0
    if isinstance(value, tuple | list):
        return tuple(map(_known, value))
    return value


_CUSTOMERS = """
INSERT INTO customers (id, traits, allowed, stage, created_at, updated_at)
SELECT i, '{}', 511, 'new', now(), now() FROM generate_series(1, %s) AS i
"""
