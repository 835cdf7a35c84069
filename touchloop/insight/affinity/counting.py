"""Counting what goes together, on the same trips and in the same households, for one level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from django.utils.translation import gettext as _

from touchloop.insight.affinity import homes, lift, steps
from touchloop.insight.affinity.baskets import LARGEST
from touchloop.insight.affinity.lift import Lifts, Reals
from touchloop.insight.affinity.steps import Level
from touchloop.lake.api import Engine

EVENT = "Order Completed"
DAYS = 365
LEAST_BASKETS = 30  # of an item: fewer say nothing about pairs
LEAST_PAIR = 10  # baskets of a pair that is listed
MOST_ITEMS = 400  # of a level, those in most baskets
MOST_PAIRS = 20_000
MOST_CUT_PAIRS, MOST_STORES = 400, 30
FALSE = 0.05  # the share of false discoveries that the correction allows


@dataclass(frozen=True, slots=True)
class Figure:
    """A lift with its interval at 95 %, and p after the correction for all pairs looked at."""

    lift: float
    low: float
    high: float
    q: float

    @staticmethod
    def of(found: Lifts, q: Reals, n: int) -> Figure:
        high = min(float(found.high[n]), 1e9)
        return Figure(float(found.lift[n]), float(found.low[n]), high, float(q[n]))

    @property
    def stands_out(self) -> bool:
        """Whether it is surely not one."""
        return self.q <= FALSE and not self.low <= 1 <= self.high


@dataclass(frozen=True, slots=True)
class Pair:
    """Two items, a before b by name; baskets and households that hold both, a, b."""

    a: str
    b: str
    both: int
    in_a: int
    in_b: int
    trip: Figure
    home_both: int
    home_a: int
    home_b: int
    home: Figure
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None


@dataclass(frozen=True, slots=True)
class Cut:
    """A pair in one place: `cut` is store or quarter, `n` its baskets."""

    cut: str
    place: str
    a: str
    b: str
    both: int
    in_a: int
    in_b: int
    n: int
    trip: Figure


@dataclass(frozen=True, slots=True)
class Counted:
    """The pairs of a level, and what they were counted in; `tested` pairs were looked at."""

    level: Level
    since: datetime | None
    until: datetime | None
    baskets: int
    households: int
    left_out: int
    tested: int
    pairs: tuple[Pair, ...]
    cuts: tuple[Cut, ...]
    words: tuple[str, ...]


def window(now: datetime, *, days: int = DAYS) -> dict[str, object]:
    """The values of a counting of the last days."""
    until = now.astimezone(UTC).replace(tzinfo=None)
    return {
        "event": EVENT, "since": until - timedelta(days=days), "until": until, "largest": LARGEST
    }  # fmt: skip


def count(engine: Engine, level: Level, values: Mapping[str, object]) -> Counted | None:
    """The pairs of a level, over the engine's `lines` and `people`; None where nobody bought.

    `values` are those of `window`. Intervals and p of the trips allow for households that make many
    alike; `trip_q` and `home_q` are corrected for all pairs of items looked at.
    """
    given = {"least": LEAST_BASKETS, **values}
    baskets, households, left_out, since, until, holdings = engine.rows(
        steps.counted(level).sql(**given)
    )[0]
    if not baskets:
        return None
    ranked = engine.rows(steps.ranked(level).sql(most=MOST_ITEMS + 1, **given))
    if len(ranked) > MOST_ITEMS:
        given["least"] = least = int(ranked[MOST_ITEMS][1]) + 1
        ranked = [row for row in ranked if row[1] >= least]
    place = {name: k for k, name in enumerate(sorted(name for name, _n in ranked))}
    found = engine.query(steps.together(level).sql(least_pair=LEAST_PAIR, **given)).to_pydict()
    x, y = (np.array([place[name] for name in found[side]], np.int64) for side in ("a", "b"))
    columns = {key: np.array(found[key], np.float64) for key in _NUMBERS}
    sums = homes.read(engine, level, given, items=len(place), holdings=int(holdings))
    tested = len(place) * (len(place) - 1) // 2
    trip, design = _of_trips(columns, sums, x, y, n=int(baskets))
    home = sums.home(x, y)
    of_homes = lift.lifts(home.both, home.a, home.b, home.n)
    q = lift.corrected(trip.p, tests=tested), lift.corrected(of_homes.p, tests=tested)
    ratio = sums.ratio(x, y, columns["n_both"])
    kept = np.argsort(np.minimum(trip.p, of_homes.p), kind="stable")[:MOST_PAIRS]
    pairs = tuple(
        Pair(
            found["a"][n],
            found["b"][n],
            found["n_both"][n],
            found["in_a"][n],
            found["in_b"][n],
            Figure.of(trip, q[0], n),
            int(home.both[n]),
            int(home.a[n]),
            int(home.b[n]),
            Figure.of(of_homes, q[1], n),
            _known(ratio.value[n]),
            _known(ratio.low[n]),
            _known(ratio.high[n]),
        )
        for n in kept.tolist()
    )
    named = zip(found["a"], found["b"], strict=True)
    cuts = _cuts(engine, level, given, dict(zip(named, design.tolist(), strict=True)))
    return Counted(
        level, _aware(since), _aware(until), int(baskets), int(households), int(left_out), tested,
        pairs, cuts, _words(int(left_out), int(households), len(place), len(pairs)),
    )  # fmt: skip


def _of_trips(
    columns: Mapping[str, Reals], sums: homes.Sums, x: homes.Places, y: homes.Places, *, n: int
) -> tuple[lift.Lifts, Reals]:
    """Lifts of the trips with the wider of the two intervals, and by how much it is wider."""
    both, a, b = (columns[key] for key in ("n_both", "in_a", "in_b"))
    value = both * n / (a * b)
    plain = lift.variances(both, a, b, np.full(len(both), float(n)))
    variance = np.maximum(sums.log_variance(x, y, columns, n), plain)
    with np.errstate(divide="ignore", invalid="ignore"):
        design = np.where((plain > 0) & np.isfinite(variance), variance / plain, 1.0)
    p = lift.wald(value, variance)
    return lift.Lifts(value, *lift.bounds(value, variance), p), design


def _cuts(
    engine: Engine,
    level: Level,
    given: Mapping[str, object],
    design: Mapping[tuple[str, str], float],
) -> tuple[Cut, ...]:
    """The pairs that stand out, by store and by quarter, as much wider as they are over all."""
    rows = engine.rows(
        steps.by_cut(level).sql(
            least_pair=LEAST_PAIR, most=MOST_CUT_PAIRS, stores=MOST_STORES, **given
        )
    )
    rows = sorted((row for row in rows if (row[2], row[3]) in design), key=lambda row: row[:4])
    if not rows:
        return ()
    both, a, b, n = (np.array([row[k] for row in rows], np.float64) for k in range(4, 8))
    value = both * n / (a * b)
    wider = np.array([design[row[2], row[3]] for row in rows])
    variance = lift.variances(both, a, b, n) * wider
    found = lift.Lifts(value, *lift.bounds(value, variance), lift.wald(value, variance))
    q = lift.corrected(found.p)
    return tuple(
        Cut(row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7], Figure.of(found, q, k))
        for k, row in enumerate(rows)
    )


def _words(left_out: int, households: int, items: int, pairs: int) -> tuple[str, ...]:
    said = []
    if left_out:
        said.append(
            _("%(n)d baskets with more than %(most)d different items are left out: no single trip")
            % {"n": left_out, "most": LARGEST}
        )
    if items < 2:
        said.append(_("fewer than two things are in %d baskets or more") % LEAST_BASKETS)
    elif not pairs:
        said.append(_("no two things are together in %d baskets or more") % LEAST_PAIR)
    if households == 1:
        said.append(_("all baskets are one household's: nothing can be said of households"))
    return tuple(said)


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _aware(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at is not None else None


_NUMBERS = ("n_both", "in_a", "in_b", "squares", "with_a", "with_b", "with_trips")
