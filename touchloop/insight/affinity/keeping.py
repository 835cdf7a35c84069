"""What was counted, as it is kept: each level's last counting, replaced as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from touchloop.core.db import Connection
from touchloop.insight.affinity.counting import FALSE, Counted, Cut, Figure, Pair
from touchloop.insight.affinity.ideas import Idea


@dataclass(frozen=True, slots=True)
class CountInfo:
    """When a level was counted, over what."""

    level: str
    at: datetime
    since: datetime | None
    until: datetime | None
    baskets: int
    households: int
    left_out: int
    tested: int
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeptPair:
    """A pair with the departments (or categories) it stands in, and how its two items relate."""

    pair: Pair
    a_parent: str
    b_parent: str
    relation: str  # together, instead, or ""


def write(
    conn: Connection,
    counted: Counted,
    *,
    parent: Mapping[str, str],
    relation: Mapping[tuple[str, str], str],
    ideas: Iterable[Idea],
    now: datetime,
) -> None:
    """Make this counting the level's only one. Commits with the caller."""
    for table in ("counts", "pairs", "cuts", "ideas"):
        conn.execute(f"DELETE FROM affinity_{table} WHERE level = %s".encode(), (counted.level,))
    conn.execute(
        "INSERT INTO affinity_counts (level, at, since, until, baskets, households, left_out,"
        " tested, words) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (counted.level, now, counted.since, counted.until, counted.baskets, counted.households,
         counted.left_out, counted.tested, Jsonb(list(counted.words))),
    )  # fmt: skip
    _copy(conn, _PAIR_COLUMNS, "pairs", (
        (counted.level, p.a, p.b, parent.get(p.a, ""), parent.get(p.b, ""), p.both, p.in_a, p.in_b,
         *_flat(p.trip), p.home_both, p.home_a, p.home_b, *_flat(p.home), p.ratio, p.ratio_low,
         p.ratio_high, relation.get((p.a, p.b), ""))
        for p in counted.pairs
    ))  # fmt: skip
    _copy(conn, _CUT_COLUMNS, "cuts", (
        (counted.level, c.cut, c.place, c.a, c.b, c.both, c.in_a, c.in_b, c.n, *_flat(c.trip))
        for c in counted.cuts
    ))  # fmt: skip
    _copy(conn, _IDEA_COLUMNS, "ideas", (
        (i.kind, i.level, i.strong, i.slow, i.open_to, i.gain, i.low, i.high, i.amount, i.words)
        for i in ideas
    ))  # fmt: skip


def info(conn: Connection, level: str) -> CountInfo | None:
    """The last counting of a level; None before the first."""
    row = conn.execute(
        "SELECT level, at, since, until, baskets, households, left_out, tested, words"
        " FROM affinity_counts WHERE level = %s",
        (level,),
    ).fetchone()
    return (
        CountInfo(row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7], tuple(row[8]))
        if row
        else None
    )


def pairs(
    conn: Connection,
    level: str,
    *,
    parent: str = "",
    item: str = "",
    home: bool = False,
    relation: str = "",
    sure: bool = True,
    limit: int = 100,
) -> list[KeptPair]:
    """Pairs, those first whose lift (in baskets, or of households) is surely highest.

    With `parent` one of them stands in it, with `item` one of them is it; `sure` keeps those that
    stand out after the correction for many tests.
    """
    rows = conn.execute(
        (_PAIRS % ("home_" if home else "", "home_" if home else "", "home_" if home else "",
                   "home_" if home else "")).encode(),
        {"level": level, "parent": parent, "item": item, "relation": relation, "sure": sure,
         "false": FALSE, "limit": limit},
    ).fetchall()  # fmt: skip
    return [_kept(row) for row in rows]


def pair(conn: Connection, level: str, a: str, b: str) -> KeptPair | None:
    """One pair, in either order; None when it is not listed."""
    row = conn.execute(
        (_SELECT + " AND a = %(a)s AND b = %(b)s").encode(),
        {"level": level, "a": min(a, b), "b": max(a, b)},
    ).fetchone()
    return _kept(row) if row else None


def cuts(
    conn: Connection, level: str, *, cut: str = "", place: str = "", a: str = "", b: str = "",
    limit: int = 200,
) -> list[Cut]:  # fmt: skip
    """Pairs by store or quarter: of one place, or of one pair; those surely highest first."""
    rows = conn.execute(
        _CUTS,
        {"level": level, "cut": cut, "place": place, "a": a, "b": b, "limit": limit},
    ).fetchall()
    return [_cut(row) for row in rows]


def places(conn: Connection, level: str, cut: str) -> list[tuple[str, int]]:
    """The stores or quarters that were counted, with their baskets, by name."""
    rows = conn.execute(
        "SELECT place, max(n) FROM affinity_cuts WHERE level = %s AND cut = %s GROUP BY 1"
        " ORDER BY 1",
        (level, cut),
    ).fetchall()
    return [(place, int(n)) for place, n in rows]


def ideas(conn: Connection, *, kind: str = "", level: str = "", limit: int = 100) -> list[Idea]:
    """What could be done, the surest gain first."""
    rows = conn.execute(
        "SELECT kind, level, strong, slow, open_to, gain, low, high, amount, words"
        " FROM affinity_ideas WHERE %(kind)s IN ('', kind) AND %(level)s IN ('', level)"
        " ORDER BY low * greatest(amount, 0.01) DESC, strong, slow LIMIT %(limit)s",
        {"kind": kind, "level": level, "limit": limit},
    ).fetchall()
    return [Idea(*row) for row in rows]


def _kept(row: Sequence[Any]) -> KeptPair:
    trip, home = Figure(*row[5:9]), Figure(*row[12:16])
    found = Pair(
        row[0], row[1], row[2], row[3], row[4], trip, row[9], row[10], row[11], home,
        row[16], row[17], row[18],
    )  # fmt: skip
    return KeptPair(found, row[19], row[20], row[21])


def _cut(row: Sequence[Any]) -> Cut:
    figure = Figure(*row[8:12])
    return Cut(row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7], figure)


def _flat(figure: Figure) -> tuple[float, float, float, float]:
    return figure.lift, figure.low, figure.high, figure.q


def _copy(conn: Connection, columns: str, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    statement = f"COPY affinity_{table} ({columns}) FROM STDIN"
    with conn.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        for row in rows:
            copy.write_row(row)


_TRIP = "n_both, in_a, in_b, lift, low, high, q"
_HOME = "home_both, home_a, home_b, home_lift, home_low, home_high, home_q"
_REST = "ratio, ratio_low, ratio_high"
_PAIR_COLUMNS = f"level, a, b, a_department, b_department, {_TRIP}, {_HOME}, {_REST}, relation"
_CUT_COLUMNS = "level, cut, place, a, b, n_both, in_a, in_b, n, lift, low, high, q"
_IDEA_COLUMNS = "kind, level, strong, slow, open_to, gain, low, high, amount, words"

_SELECT = f"""
SELECT a, b, {_TRIP}, {_HOME}, {_REST}, a_department, b_department, relation
FROM affinity_pairs WHERE level = %(level)s"""

_PAIRS = (
    _SELECT.replace("%", "%%")
    + """
  AND (%%(parent)s = '' OR %%(parent)s IN (a_department, b_department))
  AND (%%(item)s = '' OR %%(item)s IN (a, b))
  AND %%(relation)s IN ('', relation)
  AND (NOT %%(sure)s OR (%sq <= %%(false)s AND NOT 1 BETWEEN %slow AND %shigh))
ORDER BY %slow DESC, a, b LIMIT %%(limit)s"""
)

_CUTS = """
SELECT cut, place, a, b, n_both, in_a, in_b, n, lift, low, high, q FROM affinity_cuts
WHERE level = %(level)s AND %(cut)s IN ('', cut) AND %(place)s IN ('', place)
  AND (%(a)s = '' OR (a = %(a)s AND b = %(b)s))
ORDER BY low DESC, cut, place, a, b LIMIT %(limit)s
"""
