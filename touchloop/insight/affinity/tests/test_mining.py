"""Sets and rules: against a count by hand, against mlxtend, and on baskets that are too much."""

from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchloop.core.errors import Invalid
from touchloop.insight.affinity import api, mining
from touchloop.insight.affinity.thresholds import exact, least_count, share

LISTS = st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=8), min_size=1, max_size=30)


def by_hand(lists: list[list[str]], least: int, max_size: int | None) -> dict[frozenset[str], int]:
    items = sorted({item for each in lists for item in each})
    found = {}
    for size in range(1, (max_size or len(items)) + 1):
        for combined in itertools.combinations(items, size):
            n = sum(set(combined) <= set(each) for each in lists)
            if n >= least:
                found[frozenset(combined)] = n
    return found


def named(baskets: api.Baskets, sets: dict[tuple[int, ...], int]) -> dict[frozenset[str], int]:
    assert all(list(found) == sorted(found) for found in sets)
    return {frozenset(baskets.names[k] for k in found): n for found, n in sets.items()}


@settings(max_examples=30, deadline=None)
@given(LISTS, st.integers(1, 6), st.none() | st.integers(1, 4), st.booleans())
def test_every_set_is_counted(
    lists: list[list[str]], least: int, max_size: int | None, narrow: bool
) -> None:
    baskets = api.of_lists(lists)
    with pytest.MonkeyPatch.context() as patch:
        if narrow:  # as if the bits of one item's baskets were too many to be held
            patch.setattr(mining, "WIDEST", 20)
        found = api.itemsets(baskets, least=least, max_size=max_size)
    assert named(baskets, found) == by_hand(lists, least, max_size)


@settings(max_examples=30, deadline=None)
@given(LISTS, st.integers(1, 4), st.fractions(Fraction(1, 10), 1))
def test_rules_on_the_threshold_are_rules(
    lists: list[list[str]], least: int, confidence: Fraction
) -> None:
    baskets = api.of_lists(lists)
    sets = api.itemsets(baskets, least=least)
    found = {
        (frozenset(baskets.names[k] for k in rule.when), baskets.names[rule.then])
        for rule in api.rules(sets, least=confidence)
    }
    counted = by_hand(lists, least, None)
    assert found == {
        (both - {then}, then)
        for both, n in counted.items()
        for then in both
        if len(both) > 1 and Fraction(n, counted[both - {then}]) >= confidence
    }


def test_the_sets_are_those_of_mlxtend() -> None:
    import pandas  # type: ignore[import-untyped]
    from mlxtend.frequent_patterns import fpgrowth

    chance = np.random.default_rng(3)
    inside = chance.random((400, 14)) < chance.random(14) * 0.7
    names = [f"item {k}" for k in range(14)]
    baskets = api.of_lists([[names[k] for k in np.flatnonzero(row)] for row in inside])
    table = pandas.DataFrame(inside, columns=names)
    theirs = fpgrowth(table, min_support=19.5 / 400, use_colnames=True)
    expected = {
        frozenset(found): round(support * 400)
        for found, support in zip(theirs["itemsets"], theirs["support"], strict=True)
    }
    assert named(baskets, api.itemsets(baskets, least=20)) == expected


def test_rules_that_are_exactly_four_fifths_are_kept() -> None:
    """Where shares are divided as floats, some of these are lost (rasbt/mlxtend)."""
    lists = []
    for n in range(40):  # 5(n+1) baskets with a, of which 4(n+1) hold b as well
        lists += [[f"a{n}", f"b{n}"]] * (4 * (n + 1)) + [[f"a{n}"]] * (n + 1)
    found = api.mine(api.of_lists(lists), support="1", confidence="0.8", top=0)
    assert found.support_count == len(lists)
    found = api.mine(api.of_lists(lists), support="4", confidence="80%", top=100)
    exactly = [rule for rule in found.top_rules if 5 * rule.both == 4 * rule.whole]
    assert len(exactly) == 40 and found.rules == 80


@settings(max_examples=30, deadline=None)
@given(LISTS, st.integers(1, 4), st.integers(0, 60))
def test_the_lists_hold_everything_or_say_that_they_do_not(
    lists: list[list[str]], least: int, listed: int
) -> None:
    baskets = api.of_lists(lists)
    least = min(least, baskets.n)
    support = f"{least}/{baskets.n}"
    counted = by_hand(lists, least, None)
    found = api.mine(baskets, support=support, confidence="1/3", top=3, listed=listed)
    whole = api.mine(baskets, support=support, confidence="1/3", top=0, listed=10_000)
    assert {frozenset(each.items): each.baskets for each in whole.all_sets} == counted
    assert len(whole.all_rules) == whole.rules == found.rules
    assert found.all_sets == whole.all_sets[:listed] and len(counted) == found.itemsets
    assert found.all_rules == whole.all_rules[:listed]
    assert found.top_rules == whole.all_rules[:3]
    for rule in whole.all_rules:
        assert counted[frozenset((*rule.when, rule.then))] == rule.both
        assert counted[frozenset(rule.when)] == rule.whole
    cut = listed and len(counted) > listed
    assert any("sets are counted" in word for word in found.words) == bool(cut)


def test_support_is_a_whole_number_of_baskets() -> None:
    assert least_count("1%", 88_162) == 882
    assert least_count("0.1%", 88_162) == 89
    assert least_count("0.0005", 88_162) == 45
    assert least_count("89", 88_162) == 89
    assert least_count("1/3", 9) == 3
    assert share("0.8", field="confidence") == share("80%", field="c") == Fraction(4, 5)


def test_a_share_that_a_program_divided_is_that_share() -> None:
    for baskets in (3, 30, 9_835, 990_002):
        for n in (1, 2, baskets // 3, baskets - 1):
            assert least_count(str(n / baskets), baskets) == n
            assert least_count(f"{100 * n / baskets!r}%", baskets) in (n, n + 1)
    assert least_count("0.1", 30) == 3 and least_count("5e-05", 100_000) == 5
    assert least_count("0.006", 9_835) == 60 and least_count("1E-1", 30) == 3
    assert share(str(2 / 3), field="confidence") == Fraction(2, 3)
    assert share("0.66666666666667", field="c") == Fraction(66666666666667, 10**14)


@pytest.mark.parametrize("text", ["", "x", "1/0", "-1", "0", "1e-300", "200%", "nan", "٣", "1e"])
def test_thresholds_that_cannot_be_read_are_named(text: str) -> None:
    with pytest.raises(Invalid, match="confidence"):
        share(text, field="confidence")
    if text not in ("0", "200%"):
        with pytest.raises(Invalid):
            exact(text, field="support")


def test_huge_baskets_are_left_out_with_a_word() -> None:
    huge = [str(n) for n in range(10_000)]
    found = api.mine(api.of_lists([["a", "b"]] * 3 + [huge]), support="1")
    assert found.baskets == 3 and found.itemsets == 3
    assert "too many items" in found.words[0]


def test_more_sets_than_anybody_can_use_are_refused() -> None:
    wide = [str(n) for n in range(40)]
    with pytest.raises(Invalid, match="raise it"):
        api.itemsets(api.of_lists([wide, wide]), least=2, most=5_000)
    huge = api.of_lists([[str(n) for n in range(10_000)]] * 2, largest=None)
    with pytest.raises(Invalid, match="raise it"):
        api.itemsets(huge, least=2, most=5_000)
    with pytest.MonkeyPatch.context() as patch:  # few sets, each a long one
        patch.setattr(mining, "MOST_ENTRIES", 100_000)
        with pytest.raises(Invalid, match="in 2 baskets or more: raise it"):
            api.itemsets(huge, least=2)


def test_little_is_said_of_little() -> None:
    one = api.mine(api.of_lists([["a", "b", "a"]]), support="100%")
    assert (one.itemsets, one.entries) == (3, 2)
    assert any("one basket" in word for word in one.words)
    alone = api.mine(api.of_lists([["a"], ["b"]]), support="2")
    assert alone.itemsets == 0 and alone.pairs == ()
    assert alone.words == ("no item is in 2 baskets or more",)
    alike = api.mine(api.of_lists([["a", "b"]] * 50), support="10%")
    assert alike.pairs[0].lift == 1 and "no pair stands out" in alike.words[-1]


def test_files_of_either_kind(tmp_path: Path) -> None:
    commas, spaces = tmp_path / "a.csv", tmp_path / "b.dat"
    commas.write_text("cat food, cat litter\n\ncat food,bread,bread\n", encoding="utf-8")
    spaces.write_text("1 2 3\n2 3\n", encoding="utf-8")
    found = api.read_baskets(commas)
    assert (found.n, found.entries, found.repeats) == (2, 4, 1)
    assert set(found.names) == {"cat food", "cat litter", "bread"}
    assert api.read_baskets(spaces).entries == 5
    assert api.read_baskets(spaces, separator="comma").entries == 2


ANA, BO = ["cat food", "cat litter"], ["bread", "cat food"]


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfcat food,cat litter\nbread,cat food\n",  # with a byte order mark
        b"cat food,cat litter\r\n\r\nbread,cat food\r\n",
        b'"cat food", "cat litter"\n"bread","cat food",\n,,\n',
        b"cat food ,  cat litter\nbread,cat food,bread,,",
        b'"cat food" "cat litter"\n\n"bread"\t"cat food" \n',
        b"cat food;cat litter\nbread;cat food\n",
    ],
)
def test_a_file_is_read_as_whoever_wrote_it(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    found = api.read_baskets(path)
    assert sorted(found.names) == ["bread", "cat food", "cat litter"]
    assert (found.n, found.entries, found.counts.tolist()) == (2, 4, [1, 1, 2])
    assert found.empty == len([1 for line in content.splitlines() if not line.strip(b",")])


def test_the_separator_is_looked_for_in_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text('whole milk\n5" pipe,whole milk\n', encoding="utf-8")
    found = api.read_baskets(path)
    assert set(found.names) == {"whole milk", '5" pipe'} and found.separator == "comma"
    with pytest.raises(Invalid, match="line 2: a quotation mark"):
        path.write_text('a,b\n"a,b\n', encoding="utf-8")
        api.read_baskets(path)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xff\xfe", b"a\0b\n", b",,\n"])
def test_files_that_hold_no_baskets_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(Invalid, match="file"):
        api.read_baskets(path)
    with pytest.raises(Invalid, match="No such file"):
        api.read_baskets(tmp_path / "none")
    with pytest.raises(Invalid, match="separator"):
        api.read_baskets(path, separator="both")
