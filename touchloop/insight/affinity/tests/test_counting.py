"""Pairs as the engine counts them: against a count by hand, and what is said of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pytest

from touchloop.insight.affinity import counting, homes, ideas, lift, steps, together
from touchloop.insight.affinity.tests import worlds
from touchloop.insight.affinity.tests.worlds import Order
from touchloop.lake.api import DuckDB

VALUES = counting.window(worlds.NOON.astimezone())
PARENT = {"CAT FOOD": "PETS", "CAT LITTER": "PETS", "DIAPERS": "DRUG"}


@pytest.fixture(scope="module")
def orders() -> list[Order]:
    return worlds.shop()


@pytest.fixture(scope="module")
def counted(orders: list[Order]) -> Iterator[counting.Counted]:
    with worlds.engine(orders) as engine:
        found = counting.count(engine, "category", _window())
    assert found is not None
    yield found


def _window() -> dict[str, object]:
    return VALUES | {"since": worlds.NOON.replace(year=2024), "until": worlds.NOON}


def _by_hand(orders: list[Order]) -> tuple[Counter[object], Counter[object]]:
    trips: Counter[object] = Counter()
    at_home: dict[int, set[str]] = {}
    for customer, _ago, _store, items in orders:
        names = {item.split("/")[1] for item in items}
        at_home.setdefault(customer, set()).update(names)
        trips.update(names)
        trips.update(combinations(sorted(names), 2))
    homes_: Counter[object] = Counter()
    for names in at_home.values():
        homes_.update(names)
        homes_.update(combinations(sorted(names), 2))
    return trips, homes_


def test_baskets_and_households_are_counted(orders: list[Order], counted: counting.Counted) -> None:
    trips, at_home = _by_hand(orders)
    assert (counted.baskets, counted.households) == (len(orders), 120)
    for pair in counted.pairs:
        assert pair.a < pair.b
        assert (pair.both, pair.in_a, pair.in_b) == (
            trips[pair.a, pair.b], trips[pair.a], trips[pair.b]
        )  # fmt: skip
        assert (pair.home_both, pair.home_a, pair.home_b) == (
            at_home[pair.a, pair.b], at_home[pair.a], at_home[pair.b]
        )  # fmt: skip
    listed = {(pair.a, pair.b) for pair in counted.pairs}
    enough = {
        key for key, n in trips.items()
        if isinstance(key, tuple) and n >= counting.LEAST_PAIR
        and min(trips[key[0]], trips[key[1]]) >= counting.LEAST_BASKETS
    }  # fmt: skip
    assert listed == enough


def test_same_homes_and_same_trips_are_told_apart(counted: counting.Counted) -> None:
    found = {(pair.a, pair.b): pair for pair in counted.pairs}
    cats = found["CAT FOOD", "CAT LITTER"]
    assert cats.trip.low > 2 and cats.ratio_low is not None and cats.ratio_low > 1.3
    relation = together.related(counted.pairs, PARENT)
    assert relation["CAT FOOD", "CAT LITTER"] == "together"
    assert ("EGGS LARGE", "EGGS SMALL") not in found  # one kind on a trip: never together


def test_the_interval_allows_for_households_that_make_many_trips() -> None:
    """Ten homes buy both on all trips, ninety never: a hundred homes, not a thousand trips."""
    orders: list[Order] = []
    for home in range(100):
        for trip in range(10):
            mine = ["A/X", "A/Y"] if home < 10 else ["A/Z", "A/W"]
            orders.append((home, trip + 1.0, "s", mine))
    with worlds.engine(orders) as engine:
        found = counting.count(engine, "category", _window())
    assert found is not None
    pair = next(pair for pair in found.pairs if (pair.a, pair.b) == ("X", "Y"))
    plain = lift.variances(*(np.array([x]) for x in (100.0, 100.0, 100.0, 1000.0)))
    wide, narrow = np.log(pair.trip.high / pair.trip.low), 2 * 1.96 * np.sqrt(plain[0])
    assert 2.5 < wide / narrow < 4  # about the square root of ten trips


def test_parts_of_the_households_add_up(
    orders: list[Order], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = _window() | {"least": 30}
    with worlds.engine(orders) as engine:
        n = len(engine.rows(steps.ranked("category").sql(most=100, **given)))
        whole = homes.read(engine, "category", given, items=n, holdings=1)
        monkeypatch.setattr(homes, "PART", 500)
        parts = homes.read(engine, "category", given, items=n, holdings=1_600)
    assert (whole.homes == parts.homes).all()
    for name in ("alike", "with_trips", "expected", "variance"):
        assert np.allclose(getattr(whole, name), getattr(parts, name))


def test_stores_and_quarters(orders: list[Order], counted: counting.Counted) -> None:
    stores = {cut.place for cut in counted.cuts if cut.cut == "store"}
    assert stores == {f"store {n}" for n in range(5)}
    one = next(
        c for c in counted.cuts if (c.place, c.a, c.b) == ("store 1", "CAT FOOD", "CAT LITTER")
    )
    mine = [
        {item.split("/")[1] for item in items}
        for _customer, _ago, store, items in orders
        if store == "store 1"
    ]
    assert one.n == len(mine)
    assert one.both == sum({"CAT FOOD", "CAT LITTER"} <= names for names in mine)
    assert one.in_a == sum("CAT FOOD" in names for names in mine)
    quarters = {cut.place for cut in counted.cuts if cut.cut == "quarter"}
    assert {"2025 Q2", "2026 Q1"} <= quarters


def test_only_those_who_may_be_used_are_counted(orders: list[Order]) -> None:
    with worlds.engine(orders, people=range(1, 11)) as engine:
        found = counting.count(engine, "category", _window())
    assert found is not None and (found.baskets, found.households) == (300, 10)


def test_huge_baskets_are_left_out_with_a_word() -> None:
    orders: list[Order] = [(n, 1.0, "s", ["A/X", "A/Y"]) for n in range(40)]
    orders.append((99, 1.0, "s", [f"A/C{n}" for n in range(10_000)]))
    with worlds.engine(orders) as engine:
        found = counting.count(engine, "category", _window())
    assert found is not None and (found.baskets, found.left_out) == (40, 1)
    assert "10" in found.words[0] or "left out" in found.words[0]


def test_next_to_nothing_is_no_error() -> None:
    with worlds.engine([]) as engine:
        assert counting.count(engine, "category", _window()) is None
    alone: list[Order] = [(1, float(n + 1), "s", ["A/X", "A/Y"]) for n in range(50)]
    with worlds.engine(alone) as engine:
        found = counting.count(engine, "category", _window())
    assert found is not None
    assert [pair.trip.lift for pair in found.pairs] == [1.0]
    assert not found.pairs[0].trip.stands_out
    assert any("one household" in word for word in found.words)


def test_ideas_come_from_intervals_that_leave_one_out(counted: counting.Counted) -> None:
    relation = together.related(counted.pairs, PARENT)
    found = ideas.ideas(
        counted, relation=relation, parent=PARENT, worth={"CAT LITTER": 4.0},
        refused=frozenset(),
    )  # fmt: skip
    by_pair = {frozenset((idea.strong, idea.slow)): idea for idea in found}
    beer = by_pair[frozenset(("BEER", "DIAPERS"))]
    assert beer.kind == "message" and "not on the same trips" in beer.words
    pairs = {frozenset((pair.a, pair.b)): pair for pair in counted.pairs}
    for key, idea in by_pair.items():
        figure = pairs[key].home if idea.kind == "message" else pairs[key].trip
        assert figure.low > 1 and 1 <= idea.low <= idea.gain <= idea.high <= idea.open_to
    none = ideas.ideas(
        counted, relation=relation, parent=PARENT, worth={}, refused={"BEER", "DIAPERS"}
    )
    assert frozenset(("BEER", "DIAPERS")) not in {frozenset((i.strong, i.slow)) for i in none}


def test_the_gain_is_what_its_formula_says() -> None:
    figure = counting.Figure(2.0, 1.5, 3.0, 0.001)
    assert ideas.gain_of(1_000, 0.05, figure) == pytest.approx((50.0, 25.0, 100.0))
    assert ideas.gain_of(10, 0.9, counting.Figure(9.0, 0.5, 12.0, 1.0)) == (10.0, 0.0, 10.0)


@pytest.mark.parametrize(
    "analysis", [each for each, _values in steps.ANALYSES], ids=lambda a: a.name
)
def test_each_analysis_runs(analysis: object, small: DuckDB) -> None:
    values = next(given for each, given in steps.ANALYSES if each is analysis)
    small.query(analysis.sql(**values))  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def small() -> Iterator[DuckDB]:
    with worlds.engine(worlds.shop(households=6, trips=6)) as engine:
        yield engine
