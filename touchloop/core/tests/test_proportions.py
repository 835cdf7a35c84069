"""Intervals against published values, and against their own promise by simulation."""

from __future__ import annotations

import random

import pytest

from touchloop.core.proportions import difference, gain, share


@pytest.mark.parametrize(
    ("x", "n", "low", "high"),
    [  # Newcombe 1998a, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_is_as_published(x: int, n: int, low: float, high: float) -> None:
    found = share(x, n)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    [  # Newcombe 1998b, table II, method 10
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((10, 10), (0, 20), 0.6791, 1.0000),
        ((10, 10), (0, 10), 0.6075, 1.0000),
    ],
)
def test_the_difference_is_as_published(
    one: tuple[int, int], other: tuple[int, int], low: float, high: float
) -> None:
    _, found_low, found_high = difference(share(*one), share(*other))
    assert (round(found_low, 4), round(found_high, 4)) == (low, high)


def test_of_nobody_nothing_is_known() -> None:
    assert (share(0, 0).low, share(0, 0).high) == (0.0, 1.0)
    assert gain(share(3, 10), share(0, 0)) is None
    with pytest.raises(ValueError, match="no share"):
        share(2, 1)


def test_the_gain_covers_the_truth_in_95_of_100() -> None:
    """2,000 experiments with 12 % against 9 %: the truth is 3 % of those treated."""
    chance = random.Random(20260302)
    covered = 0
    for _ in range(2_000):
        treated = share(sum(chance.random() < 0.12 for _ in range(300)), 300)
        held = share(sum(chance.random() < 0.09 for _ in range(100)), 100)
        found = gain(treated, held)
        assert found is not None
        covered += found.low <= 300 * 0.03 <= found.high
    assert 0.935 <= covered / 2_000 <= 0.975
