"""What sets two segments apart: counted, with intervals, corrected, and nobody picked out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchloop.core import db
from touchloop.insight.likeness import api
from touchloop.insight.likeness.contrast import contrast, judged, step_up, words_of
from touchloop.insight.likeness.tests.conftest import NOW
from touchloop.insight.models.api import Run


def by_name(found: api.Contrast) -> dict[str, api.Difference]:
    return {f"{each.kind} {each.value}": each for each in found.differences}


def test_two_segments_are_compared_without_those_in_both(
    run: Run, segments: tuple[int, int]
) -> None:
    deli, loyal = segments
    found = contrast(run, deli, loyal)
    # even up to 120: 60; every fifth up to 190: 38; both: 12
    assert (found.one, found.other, found.both) == (48, 26, 12)
    names = by_name(found)
    cats = names["department DELI"]
    assert (cats.one.x, cats.one.value) == (48, 1.0)
    assert cats.sure and found.differences[0].sure
    assert cats.low < cats.gap < cats.high or cats.gap == cats.high
    assert names["channel store"].gap == 0 and not names["channel store"].sure
    assert not [name for name in names if "email" in name]
    porto = names["trait town=Porto"]
    assert (porto.one.x, porto.one.n) == (48, 48)


def test_everybody_else_is_the_other_side(run: Run, segments: tuple[int, int]) -> None:
    found = contrast(run, segments[0], 0)
    assert (found.one, found.other, found.both) == (60, 130, 0)
    assert by_name(found)["department DAIRY"].gap < -0.9
    gaps = [abs(each.gap) for each in found.differences if each.sure]
    assert gaps == sorted(gaps, reverse=True)


def test_what_few_share_is_not_compared() -> None:
    assert judged([("event", "rare", 2, 2)], 100, 100) == ()
    assert judged([("event", "x", 50, 50)], 0, 100) == ()


def test_the_correction_is_benjamini_and_hochbergs() -> None:
    # their own example: four of fifteen are rejected at .05
    ps = [.0001, .0004, .0019, .0095, .0201, .0278, .0298, .0344, .0459, .3240, .4262, .5719,
          .6528, .7590, 1.0]  # fmt: skip
    assert sum(q <= 0.05 for q in step_up(ps)) == 4


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_corrected_values_are_never_smaller_and_keep_their_order(ps: list[float]) -> None:
    qs = step_up(ps)
    assert all(p <= q + 1e-12 and q <= 1 for p, q in zip(ps, qs, strict=True))
    order = np.argsort(ps, kind="stable")
    assert all(np.diff(np.asarray(qs)[order]) >= -1e-12)


def test_traits_that_name_a_person_are_no_traits_of_a_kind() -> None:
    assert words_of('{"name": "Ana", "city": "Porto", "vip": true, "age": 3, "x": "a@b"}') == [
        ("city", "Porto"), ("vip", "True"),
    ]  # fmt: skip
    assert words_of(None) == []


def test_a_comparison_is_asked_for_and_kept(
    conn: db.Connection,
    segments: tuple[int, int],
    tmp_path: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LAKE_URL", str(tmp_path))
    api.ask(conn, segments[0], 0, by=None, now=NOW)
    conn.commit()
    waiting = api.asked(conn, segments[0], 0)
    assert waiting and waiting.waits and waiting.found is None
    assert api.compare_waiting(conn, NOW) == 1
    done = api.asked(conn, segments[0], 0)
    assert done and not done.waits and done.found and done.found.one == 0
    assert done.found.differences == () and done.trouble == ""
    assert api.compare_waiting(conn, NOW) == 0
