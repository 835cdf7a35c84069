"""Small cells: not shown, and not to be computed from what is shown."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from touchloop.experience.scorecards.suppressing import K, hidden, hidden_trends, periods

Path = tuple[str, ...]

REGIONS, STORES = ("n", "s", "w"), ("1", "2", "3", "4")
worlds = st.dictionaries(
    st.tuples(st.sampled_from(REGIONS), st.sampled_from(STORES)),
    st.integers(0, 12),
    max_size=12,
)


def _counts(leaves: dict[Path, int]) -> dict[Path, int]:
    counts: dict[Path, int] = {}
    for leaf, n in leaves.items():
        if n:
            for depth in range(len(leaf) + 1):
                counts[leaf[:depth]] = counts.get(leaf[:depth], 0) + n
    return counts


def _told(counts: dict[Path, int], gone: set[Path]) -> None:
    """No small cell is shown, and no shown whole less its shown parts leaves a small group."""
    for path, n in counts.items():
        if path in gone:
            continue
        assert n >= K
        parts = [p for p in counts if len(p) == len(path) + 1 and p[: len(path)] == path]
        left = [part for part in parts if part in gone]
        assert not left or (len(left) >= 2 and sum(counts[part] for part in left) >= K)
        # and one level further down: the whole less all grandchildren that are shown
        below = [leaf for leaf in counts if len(leaf) == 2 and leaf[: len(path)] == path]
        rest = sum(counts[leaf] for leaf in below if leaf in gone)
        assert rest == 0 or rest >= K


@settings(max_examples=400)
@given(worlds)
def test_nothing_small_is_shown_or_follows(leaves: dict[Path, int]) -> None:
    gone = hidden(leaves)
    counts = _counts(leaves)
    _told(counts, gone)
    for path in gone:  # a hidden whole hides its parts
        assert all(part in gone for part in counts if part[: len(path)] == path)


def test_one_small_store_takes_the_next_smallest_with_it() -> None:
    leaves: dict[Path, int] = {
        ("n", "1"): 3,
        ("n", "2"): 40,
        ("n", "3"): 20,
        ("s", "1"): 50,
        ("s", "2"): 60,
    }
    assert hidden(leaves) == {("n", "1"), ("n", "3")}


def test_two_small_stores_need_no_third_when_they_are_five_together() -> None:
    leaves: dict[Path, int] = {("n", "1"): 3, ("n", "2"): 2, ("n", "3"): 20}
    assert hidden(leaves) == {("n", "1"), ("n", "2")}
    leaves = {("n", "1"): 2, ("n", "2"): 2, ("n", "3"): 20, ("n", "4"): 30}
    assert hidden(leaves) == {("n", "1"), ("n", "2"), ("n", "3")}


def test_a_small_region_hides_another_with_all_its_stores() -> None:
    leaves: dict[Path, int] = {
        ("n", "1"): 4,
        ("s", "1"): 30,
        ("s", "2"): 30,
        ("w", "1"): 90,
        ("w", "2"): 90,
    }
    assert hidden(leaves) == {("n",), ("n", "1"), ("s",), ("s", "1"), ("s", "2")}


def test_a_small_whole_shows_nothing_and_nobody_is_no_cell() -> None:
    assert hidden({("n", "1"): 4}) == {(), ("n",), ("n", "1")}
    assert hidden({("n", "1"): 0, ("n", "2"): 9}) == set()
    assert hidden({}) == set()


def test_what_is_hidden_already_is_covered_too() -> None:
    leaves: dict[Path, int] = {("n", "1"): 30, ("n", "2"): 40, ("n", "3"): 50}
    assert hidden(leaves, already=[("n", "2")]) == {("n", "2"), ("n", "1")}


Trends = dict[Path, dict[int, int]]
trends = st.dictionaries(
    st.tuples(st.sampled_from(REGIONS), st.sampled_from(STORES)),
    st.dictionaries(st.sampled_from((1, 2, 3)), st.integers(0, 30), min_size=1, max_size=3),
    min_size=1,
    max_size=8,
)


def _month(cells: Trends, month: int) -> dict[Path, int]:
    return _counts({path: months.get(month, 0) for path, months in cells.items()})


@settings(max_examples=300, deadline=None)
@given(trends)
def test_no_month_follows_from_what_is_shown(cells: Trends) -> None:
    """The attack by linear algebra: all that is shown is an equation over the leaves' months, and
    no small cell is among what follows from them. (A hidden trend does not tell which of its
    months are empty.)"""
    leaves = {path: sum(months.values()) for path, months in cells.items()}
    rows_gone = hidden(leaves)
    gone = hidden_trends(cells, already=rows_gone)
    by_month = {month: _month(cells, month) for month in (1, 2, 3)}
    unknowns = [(leaf, month) for leaf in leaves for month in (1, 2, 3)]
    equations = []

    def shown(path: Path, months: tuple[int, ...]) -> list[float]:
        return [float(leaf[: len(path)] == path and m in months) for leaf, m in unknowns]

    for path in _counts(leaves):
        if path not in rows_gone:
            equations.append(shown(path, (1, 2, 3)))
        if path not in gone:
            equations += [shown(path, (month,)) for month in (1, 2, 3)]
            assert all(by_month[m].get(path, 0) == 0 or by_month[m][path] >= K for m in (1, 2, 3))
    known = np.array(equations) if equations else np.zeros((1, len(unknowns)))
    for path in _counts(leaves):
        for month in (1, 2, 3):
            if 0 < by_month[month].get(path, 0) < K:
                wanted = np.array(shown(path, (month,)))
                nearest, *_rest = np.linalg.lstsq(known.T, wanted, rcond=None)
                assert np.abs(known.T @ nearest - wanted).max() > 1e-6, (path, month)


def test_a_small_month_takes_the_trend_and_that_of_another_row() -> None:
    cells: Trends = {
        ("n", "1"): {1: 3, 2: 30, 3: 40},
        ("n", "2"): {1: 50, 2: 50, 3: 50},
        ("n", "3"): {1: 60, 2: 60, 3: 60},
    }
    assert hidden_trends(cells) == {("n", "1"), ("n", "2")}
    assert hidden_trends({("n", "1"): {1: 30, 2: 30}}) == set()


def test_months_join_until_each_whole_is_large_enough() -> None:
    assert periods([{1: 9, 2: 9}]) == {1: 1, 2: 2}
    assert periods([{1: 2, 2: 2, 3: 9, 4: 9, 5: 1}]) == {1: 1, 2: 1, 3: 1, 4: 4, 5: 4}
    assert periods([{1: 9, 2: 9}, {1: 0, 2: 3}]) == {1: 1, 2: 1}
    assert periods([{1: 2}]) == {1: 1}
    assert periods([]) == {}
