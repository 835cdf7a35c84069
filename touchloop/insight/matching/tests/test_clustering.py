"""Grouping with guards: bridges, forbidden pairs, groups that are too large."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from touchloop.insight.matching import clustering, measuring
from touchloop.insight.matching.clustering import LARGEST, Pairs, clusters


def pairs(*of: tuple[int, int, float], against: tuple[int, ...] = ()) -> Pairs:
    a, b, bits = (np.array(column) for column in zip(*of, strict=True))
    forbidden = np.isin(np.arange(len(of)), against)
    return Pairs(a.astype(np.int64), b.astype(np.int64), bits.astype(np.float64), forbidden)


def clique(first: int, last: int, bits: float = 9.0) -> list[tuple[int, int, float]]:
    return [(a, b, bits) for a, b in combinations(range(first, last), 2)]


def test_one_weak_pair_does_not_join_two_people_and_is_shown_as_the_bridge() -> None:
    found = clusters(pairs(*clique(0, 5), *clique(5, 10), (4, 5, 3.0)), rows=10, threshold=0.0)
    assert found.labels.tolist() == [0] * 5 + [1] * 5
    (bridge,) = found.bridges
    assert (bridge.a, bridge.b, bridge.bits, bridge.left, bridge.right) == (4, 5, 3.0, 5, 5)


def test_records_of_one_person_join_though_some_pairs_never_met() -> None:
    chain = [(0, 1, 9.0), (1, 2, 9.0), (0, 2, 8.0), (2, 3, 9.0), (1, 3, 4.0)]  # 0 and 3 never met
    assert clusters(pairs(*chain), rows=4, threshold=0.0).labels.tolist() == [0, 0, 0, 0]


def test_a_forbidden_pair_of_two_stays_apart_and_one_slip_among_many_does_not_count() -> None:
    assert clusters(pairs((0, 1, 30.0), against=(0,)), rows=2, threshold=0.0).labels.tolist() == [
        0,
        1,
    ]
    six = clique(0, 6)
    one_slip = clusters(pairs(*six, against=(0,)), rows=6, threshold=0.0)
    assert set(one_slip.labels.tolist()) == {0}


def test_a_chain_that_is_too_large_is_taken_apart_and_said() -> None:
    chain = [(at, at + 1, 1.0 + 6.0 * (at % 10 != 0)) for at in range(LARGEST + 50)]
    found = clusters(pairs(*chain), rows=LARGEST + 51, threshold=0.0)
    assert np.bincount(found.labels).max() <= 10
    assert "taken apart" in found.words[0]


def test_a_record_that_says_little_goes_to_the_one_group_that_is_near() -> None:
    two = [*clique(0, 5), *clique(5, 10)]
    near = [(0, 10, 1.0), (1, 10, -2.0), (2, 10, -3.0)]
    alone = clusters(pairs(*two, *near), rows=11, threshold=0.0)
    one, other, given_ = alone.labels[:5], alone.labels[5:10], alone.labels[10]
    assert set(one.tolist()) == {int(given_)} != set(other.tolist())
    rival = [(at + 5, other, bits) for at, other, bits in near]
    torn = clusters(pairs(*two, *near, *rival), rows=11, threshold=0.0)
    assert len(set(torn.labels.tolist())) == 3


@given(st.data())
def test_groups_hang_together_and_records_keep_their_places(
    data: st.DataObject,
) -> None:
    rows = data.draw(st.integers(1, 12))
    possible = list(combinations(range(rows), 2))
    chosen = data.draw(st.lists(st.sampled_from(possible), unique=True)) if possible else []
    bits = [data.draw(st.floats(-8, 12)) for _ in chosen]
    forbidden = [data.draw(st.booleans()) for _ in chosen]
    ends = np.array(chosen, dtype=np.int64).reshape(-1, 2)
    given_pairs = Pairs(ends[:, 0], ends[:, 1], np.array(bits, dtype=np.float64),
                        np.array(forbidden, dtype=bool))  # fmt: skip
    found = clusters(given_pairs, rows=rows, threshold=1.0)
    good = given_pairs.at(given_pairs.bits >= clustering.UNSEEN)
    wide = clustering.components(good.a, good.b, rows)
    assert len(found.labels) == rows
    assert all(wide[a] == wide[b] for a, b in possible if found.labels[a] == found.labels[b])
    again = clusters(given_pairs, rows=rows, threshold=1.0)
    assert again.labels.tolist() == found.labels.tolist()


def test_measures_count_what_never_met_as_missed() -> None:
    truth = np.array([0, 0, 0, 1, 1, -1])
    of_pairs = measuring.of_pairs(np.array([0, 0]), np.array([1, 3]), truth)
    assert (of_pairs.hits, of_pairs.false, of_pairs.missed) == (1, 1, 3)
    assert of_pairs.recall == 0.25
    of_groups = measuring.of_clusters(np.array([0, 0, 0, 0, 1, 1]), truth)
    assert (of_groups.hits, of_groups.false, of_groups.missed) == (3, 3, 1)
