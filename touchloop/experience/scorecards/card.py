"""The scorecard: each unit with its number of answers, its interval, and what may be said of it.

Built from the smallest cells, so that what is hidden in one cut stays hidden in the others: the
tree of region, location and touchpoint is judged as one, before anything is filtered by source or
by what the one who looks may see, and again for what is left after that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from math import sqrt
from typing import Literal

from touchloop.core.db import Connection
from touchloop.core.errors import Invalid
from touchloop.core.proportions import Share, share
from touchloop.experience.scorecards import shrinking, tallying
from touchloop.experience.scorecards.funnel import Limits, net_limits, share_limits
from touchloop.experience.scorecards.promoters import Net, net
from touchloop.experience.scorecards.shrinking import Prior, Shrunken
from touchloop.experience.scorecards.suppressing import K, hidden, hidden_trends, periods
from touchloop.experience.scorecards.tallying import Asked, Cell, Path, Tally

By = Literal["total", "region", "location", "touchpoint", "stage"]
DEPTHS = {"total": 0, "region": 1, "location": 2, "touchpoint": 3}
KINDS = ("nps", "csat", "ces")
SOURCES = ("real", "simulation")
Scope = frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Month:
    """A part of a trend with its value and 95 % interval: a month, or those up to `last` where
    fewer than five answered in one."""

    month: date
    last: date
    n: int
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Row:
    """One unit and one kind of question. A hidden row says nothing but that it is there.

    `value` with `low` and `high`: a net promoter score from -100 to 100, or the percentage of the
    satisfied (CSAT: 4-5 of 5; CES 2.0: 5-7 of 7). `shrunken` and `rank` (1 is best) compare the
    units; `shrunken.in_worst` is the probability of being in the worst tenth. `simulated` of the
    `n` answers were simulated. A trend is empty when a month of it would be too small.
    """

    path: Path
    region: str
    location: str
    channel: str
    name: str
    stage: str
    kind: str
    hidden: bool
    n: int | None = None
    simulated: int | None = None
    by_code: int | None = None
    invited: int | None = None
    response: Share | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    mean: float | None = None
    net: Net | None = None
    share: Share | None = None
    shrunken: Shrunken | None = None
    rank: int | None = None
    funnel: Limits | None = None
    zone: str = ""
    trend: tuple[Month, ...] = ()


@dataclass(frozen=True, slots=True)
class Card:
    """A table: the whole of each kind, and its units, the best first, the hidden last.

    `priors`: middle and variance between units of each kind, on the scale of the values.
    """

    by: str
    since: datetime
    until: datetime
    source: str | None
    totals: Mapping[str, Row]
    rows: tuple[Row, ...]
    priors: Mapping[str, Prior]
    k: int = K

    @property
    def simulated(self) -> bool:
        """Whether any answer in it was simulated."""
        return any(row.simulated for row in (*self.totals.values(), *self.rows))


def scorecard(
    conn: Connection,
    *,
    by: By,
    since: datetime,
    until: datetime,
    locations: Scope = None,
    source: str | None = None,
    kind: str | None = None,
) -> Card:
    """The scorecard of [since, until), by touchpoint, location, region, stage, or the total only.

    `locations`: what the one who looks may see (None: everything). `source`: None for all answers,
    `real` to leave simulated ones out, `simulation` for those only. Cells under five answers are
    hidden, and those that would tell them by difference. Raises Invalid.
    """
    if by not in DEPTHS and by != "stage":
        raise Invalid("by", f"must be one of {', '.join(DEPTHS)}, stage")
    if source is not None and source not in SOURCES:
        raise Invalid("source", f"must be one of {', '.join(SOURCES)}")
    if kind is not None and kind not in KINDS:
        raise Invalid("kind", f"must be one of {', '.join(KINDS)}")
    kinds = (kind,) if kind else KINDS
    staged = by == "stage"  # the smallest cells that this cut needs
    found = tallying.cells(
        conn, since=since, until=until, kinds=kinds,
        places=not staged or locations is not None, stages=staged,
    )  # fmt: skip
    totals: dict[str, Row] = {}
    rows: list[Row] = []
    priors: dict[str, Prior] = {}
    for each in kinds:
        cells = [cell for cell in found if cell.kind == each]
        whole, parts, prior = _of_kind(cells, by=by, locations=locations, source=source)
        if whole is not None:
            totals[each] = whole
            priors[each] = prior
            rows += parts
    return Card(by, since, until, source, totals, tuple(rows), priors)


def _of_kind(
    cells: Sequence[Cell], *, by: By, locations: Scope, source: str | None
) -> tuple[Row | None, list[Row], Prior]:
    gone = _hidden(cells, by=by)
    if locations is not None:
        cells = [cell for cell in cells if cell.location and cell.location in locations]
        gone |= _hidden(cells, by=by, already=gone)
    cells, lasts = _in_periods(cells)
    no_trend = _no_trend(cells, gone, by=by)
    shown = tallying.of_source(cells, source)
    if not shown:
        return None, [], Prior(0.0, 0.0)
    grouped: dict[Path, list[Cell]] = defaultdict(list)
    for cell in shown:
        grouped[_path(cell, by)[: DEPTHS.get(by, 1)]].append(cell)
    whole = _row((), shown, () in gone, () in no_trend, lasts)
    if by == "total":
        return whole, [], Prior(0.0, 0.0)
    parts = [
        _row(path, group, path in gone, path in no_trend, lasts) for path, group in grouped.items()
    ]
    compared, prior = _compared(parts, whole)
    return whole, compared, prior


def _path(cell: Cell, by: By) -> Path:
    """Where a cell stands in the tree. Places without a location are told apart by channel."""
    if by == "stage":
        return (cell.stage,)
    return (cell.region, cell.location or cell.channel, cell.channel)


def _hidden(cells: Iterable[Cell], *, by: By, already: Iterable[Path] = ()) -> set[Path]:
    """Judged for all answers, for the real ones and for the simulated: no view may tell another."""
    counts: list[dict[Path, int]] = [defaultdict(int) for _measure in _MEASURES]
    for cell in cells:
        path, tally = _path(cell, by), cell.tally
        if tally.n:
            for measure, count in zip(_MEASURES, counts, strict=True):
                count[path] += measure(tally)
    found: set[Path] = set(already)
    while True:  # what one view hides, the others have to cover too
        before = len(found)
        for count in counts:
            found |= hidden(count, already=found)
        if len(found) == before:
            return found


def _in_periods(cells: Sequence[Cell]) -> tuple[list[Cell], dict[date, date]]:
    """Cells by the first month of their period, and the last month of each."""
    totals: list[dict[date, int]] = [defaultdict(int) for _measure in _MEASURES]
    for cell in cells:
        for measure, total in zip(_MEASURES, totals, strict=True):
            if cell.tally.n:
                total[cell.month] += measure(cell.tally)
    period = periods(totals)
    lasts = {first: max(m for m in period if period[m] == first) for first in period.values()}
    first = period.get
    return [
        cell
        if first(cell.month, cell.month) == cell.month
        else replace(cell, month=period[cell.month])
        for cell in cells
    ], lasts


def _no_trend(cells: Iterable[Cell], gone: set[Path], *, by: By) -> set[Path]:
    """The rows whose trend is hidden, judged like `_hidden`."""
    counts: list[dict[Path, dict[date, int]]] = [
        defaultdict(lambda: defaultdict(int)) for _measure in _MEASURES
    ]
    for cell in cells:
        path, tally = _path(cell, by), cell.tally
        if tally.n:
            for measure, count in zip(_MEASURES, counts, strict=True):
                count[path][cell.month] += measure(tally)
    found = set(gone)
    while True:
        before = len(found)
        for count in counts:
            found |= hidden_trends(count, already=found)
        if len(found) == before:
            return found


def _row(
    path: Path,
    cells: Sequence[Cell],
    is_hidden: bool,
    without_trend: bool,
    lasts: Mapping[date, date],
) -> Row:
    whole = tallying.total(cells)
    row = _named(path, whole, cells)
    tally, asked = whole.tally, whole.asked
    if tally.n == 0:
        return _with_asked(replace(row, hidden=False, n=0), asked)
    if is_hidden or tally.n < K:
        return row
    value, low, high = _valued(tally, row.kind)
    full = replace(
        row,
        hidden=False,
        n=tally.n,
        simulated=tally.simulated,
        by_code=tally.by_code,
        value=value,
        low=low,
        high=high,
        mean=tally.score_sum / tally.n,
        net=_net(tally) if row.kind == "nps" else None,
        share=share(tally.good, tally.n) if row.kind != "nps" else None,
        trend=() if without_trend else _trend(cells, row.kind, lasts),
    )
    return _with_asked(full, asked)


def _named(path: Path, whole: Cell, cells: Sequence[Cell]) -> Row:
    """What all cells of the row have in common; the rest is empty."""

    def same(values: Iterable[str]) -> str:
        found = set(values)
        return found.pop() if len(found) == 1 else ""

    return Row(
        path=path,
        region=same(cell.region for cell in cells) if path else "",
        location=same(cell.location for cell in cells) if path else "",
        channel=same(cell.channel for cell in cells) if path else "",
        name=same(cell.name for cell in cells) if path else "",
        stage=same(cell.stage for cell in cells) if path else "",
        kind=whole.kind,
        hidden=True,
    )


def _with_asked(row: Row, asked: Asked) -> Row:
    response = share(asked.answered, asked.invited) if asked.invited else None
    return replace(row, invited=asked.invited, response=response)


def _net(tally: Tally) -> Net:
    return net(tally.good, tally.n - tally.good - tally.bad, tally.bad)


def _valued(tally: Tally, kind: str) -> tuple[float, float, float]:
    if kind == "nps":
        score = _net(tally)
        return score.value, score.low, score.high
    part = share(tally.good, tally.n)
    return 100 * part.value, 100 * part.low, 100 * part.high


def _trend(cells: Iterable[Cell], kind: str, lasts: Mapping[date, date]) -> tuple[Month, ...]:
    by_month: dict[date, Tally] = defaultdict(Tally)
    for cell in cells:
        if cell.tally.n:
            by_month[cell.month] += cell.tally
    months = sorted(by_month.items())
    if any(tally.n < K for _first, tally in months):
        return ()
    return tuple(Month(m, lasts[m], tally.n, *_valued(tally, kind)) for m, tally in months)


def _compared(rows: Sequence[Row], whole: Row) -> tuple[list[Row], Prior]:
    """Rows with their place among the others: the best first, those without answers last."""
    shown = [row for row in rows if not row.hidden and row.n]
    others = [row for row in rows if row.hidden or not row.n]
    prior, shrunken = _shrink(shown)

    def place(at: int) -> tuple[float, float, Path]:
        # Where nothing but chance tells units apart, all are shrunk to one value.
        return (-round(shrunken[at].value, 9), -(shown[at].value or 0.0), shown[at].path)

    order = sorted(range(len(shown)), key=place)
    placed = []
    for rank, at in enumerate(order, 1):
        limits = _limits(whole, shown[at])
        value = shown[at].value
        zone = limits.zone(_scaled(shown[at], value)) if limits and value is not None else ""
        placed.append(
            replace(shown[at], shrunken=shrunken[at], rank=rank, funnel=limits, zone=zone)
        )
    return placed + sorted(others, key=lambda row: row.path), prior


def _shrink(rows: Sequence[Row]) -> tuple[Prior, list[Shrunken]]:
    if not rows:
        return Prior(0.0, 0.0), []
    if rows[0].kind != "nps":
        parts = [row.share for row in rows if row.share is not None]
        return shrinking.shares([part.x for part in parts], [part.n for part in parts])
    # One variance for all: a unit where everybody answered alike is not thereby certain.
    nets = [row.net for row in rows if row.net is not None]
    n = sum(each.n for each in nets)
    within = sum((each.se**2) * each.n * each.n for each in nets) / n
    within = max(within, 1.0)
    return shrinking.normal([each.value for each in nets], [sqrt(within / each.n) for each in nets])


def _limits(whole: Row, row: Row) -> Limits | None:
    if row.n is None or whole.hidden:
        return None
    if whole.net is not None:
        n = whole.net.n
        return net_limits(whole.net.promoters / n, whole.net.detractors / n, row.n)
    return share_limits(whole.share.value, row.n) if whole.share is not None else None


def _scaled(row: Row, value: float) -> float:
    return value if row.kind == "nps" else value / 100


def _all_answers(tally: Tally) -> int:
    return tally.n


def _simulated(tally: Tally) -> int:
    return tally.simulated if tally.n else 0


def _real(tally: Tally) -> int:
    return tally.n - tally.simulated if tally.n else 0


_MEASURES = (_all_answers, _real, _simulated)
