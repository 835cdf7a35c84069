"""What sets the members of one segment apart from others: rates, compared fairly.

Everybody who may be profiled stands on one side or the other; who is in both segments stands on
neither. For each thing that people did, bought, used or are known for, the share on either side is
compared: the difference with Newcombe's interval (core/proportions), the pooled two-proportion z
test for its p-value, and Benjamini and Hochberg's step-up over all things compared (J. R. Stat.
Soc. B 57 (1995) 289-300), so that of what is called different at most one in twenty is expected
to be chance. What fewer than five people share is left out: it would point at them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import erfc, sqrt

import msgspec
import numpy as np

from touchloop.core.proportions import Share, difference, share
from touchloop.insight.models.api import Run
from touchloop.lake.api import Analysis, Step

WINDOW = timedelta(days=365)
FEWEST = 5
FALSE_DISCOVERY = 0.05
MOST_VALUES = 40  # a trait with more of them tells persons, not kinds of persons
NAMING = frozenset(
    {"name", "firstname", "lastname", "email", "phone", "mobile", "address", "street", "username",
     "avatar", "title", "description", "id", "website", "birthday"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing: `kind` is event, channel, department, category or trait (value "name=value").

    Shares of both sides with their intervals, the difference (one less other) with its interval,
    `p` of the z test and `q` after the correction.
    """

    kind: str
    value: str
    one: Share
    other: Share
    gap: float
    low: float
    high: float
    p: float
    q: float

    @property
    def sure(self) -> bool:
        """Whether it is counted as different after the correction."""
        return self.q <= FALSE_DISCOVERY


@dataclass(frozen=True, slots=True)
class Contrast:
    """Two sides of `one` and `other` people; the `both` who are in both segments are on neither.

    `differences` are the strongest first; `compared` says how many things were compared.
    """

    one: int
    other: int
    both: int
    since: datetime
    differences: tuple[Difference, ...]
    compared: int


def contrast(run: Run, one: int, other: int) -> Contrast:
    """Compare segment `one` with segment `other`, or with everybody else when `other` is 0."""
    since = run.now - WINDOW
    values = {"one": one, "other": other}
    run.progress("sides", 0.0)
    in_one, in_other, both = run.engine.rows(SIDES.sql(**values))[0]
    run.progress("what they did", 0.1)
    instants = {"since": since.replace(tzinfo=None), "now": run.now.replace(tzinfo=None)}
    counted = [
        (str(kind), str(value), int(x), int(y))
        for kind, value, x, y in run.engine.rows(HELD.sql(**values, **instants, fewest=FEWEST))
    ]
    run.progress("what is known of them", 0.7)
    traits = _traits(run.engine.rows(TRAITS.sql(**values)))
    n, m = int(in_one or 0), int(in_other or 0)
    found = judged([*counted, *traits], n, m)
    return Contrast(n, m, int(both or 0), since, found, len(found))


def judged(
    counted: Iterable[tuple[str, str, int, int]], one: int, other: int
) -> tuple[Difference, ...]:
    """Counts (kind, value, of one, of other) as differences, the strongest first.

    Those that stand after the correction come first, by the size of the difference.
    """
    found = [row for row in counted if row[2] + row[3] >= FEWEST]
    if not found or not one or not other:
        return ()
    sides = [(share(x, one), share(y, other)) for _kind, _value, x, y in found]
    ps = [_p(a, b) for a, b in sides]
    made = [
        Difference(kind, value, a, b, *difference(a, b), p, q)
        for (kind, value, _x, _y), (a, b), p, q in zip(found, sides, ps, step_up(ps), strict=True)
    ]
    return tuple(sorted(made, key=lambda each: (not each.sure, -abs(each.gap), each.value)))


def step_up(ps: Sequence[float]) -> list[float]:
    """Benjamini and Hochberg's adjusted p-values, in the order given."""
    values = np.asarray(ps, np.float64)
    order = np.argsort(values, kind="stable")
    scaled = values[order] * len(values) / np.arange(1, len(values) + 1)
    adjusted = np.minimum.accumulate(scaled[::-1])[::-1]
    found = np.empty_like(adjusted)
    found[order] = np.minimum(adjusted, 1.0)
    return [float(q) for q in found]


def _p(one: Share, other: Share) -> float:
    """Two-sided, of the pooled z test; 1 where nobody or everybody on both sides does it."""
    pooled = (one.x + other.x) / (one.n + other.n)
    spread = sqrt(pooled * (1 - pooled) * (1 / one.n + 1 / other.n))
    return 1.0 if spread == 0 else erfc(abs(one.value - other.value) / spread / sqrt(2))


def _traits(rows: Iterable[tuple[str | None, bool]]) -> list[tuple[str, str, int, int]]:
    """Counts of values of traits that are words, by side."""
    sides: dict[bool, Counter[tuple[str, str]]] = {True: Counter(), False: Counter()}
    for text, in_one in rows:
        sides[bool(in_one)].update(words_of(text))
    both = sides[True] + sides[False]
    values = Counter(name for name, _value in both)
    return [
        ("trait", f"{name}={value}", sides[True][name, value], sides[False][name, value])
        for name, value in both
        if values[name] <= MOST_VALUES
    ]


def words_of(text: str | None) -> list[tuple[str, str]]:
    """The traits of a customer that are words or yes and no, and do not name the person."""
    traits = msgspec.json.decode(text) if text else {}
    return [
        (name, str(value)[:80])
        for name, value in traits.items()
        if isinstance(value, str | bool) and value != "" and name.lower() not in NAMING
        and "@" not in str(value)
    ]  # fmt: skip


_MARKED = Step(
    "marked",
    "SELECT p.customer_id,\n"
    "  COALESCE(MAX(CASE WHEN m.segment_id = {one} THEN 1 ELSE 0 END), 0) AS in_one,\n"
    "  COALESCE(MAX(CASE WHEN m.segment_id = {other} THEN 1 ELSE 0 END), 0) AS in_other\n"
    "  FROM people AS p LEFT JOIN members AS m ON m.customer_id = p.customer_id"
    " AND (m.segment_id = {one} OR m.segment_id = {other})\n"
    "  GROUP BY p.customer_id",
)
_PLACED = Step(
    "placed",
    "SELECT customer_id, in_one FROM marked WHERE {other} = 0 OR in_one <> in_other",
)
SIDES = Analysis(
    "contrast_sides",
    (_MARKED, _PLACED),
    "SELECT (SELECT COUNT(*) FROM placed WHERE in_one = 1) AS in_one,"
    " (SELECT COUNT(*) FROM placed WHERE in_one = 0) AS in_other,"
    " (SELECT COUNT(*) FROM marked WHERE in_one = 1 AND in_other = 1) AS in_both",
)
_DID = Step(
    "did",
    "SELECT i.customer_id, i.name, i.channel FROM interactions AS i\n"
    "  WHERE i.occurred_at > {since} AND i.occurred_at <= {now} AND i.type <> 'system'",
)
_BOUGHT = Step(
    "bought",
    "SELECT l.customer_id, l.department, l.category FROM lines AS l\n"
    "  WHERE l.occurred_at > {since} AND l.occurred_at <= {now}",
)
_THINGS = Step(
    "things",
    "SELECT DISTINCT customer_id, 'event' AS kind, name AS value FROM did"
    " WHERE name IS NOT NULL AND name <> ''\n"
    "  UNION ALL SELECT DISTINCT customer_id, 'channel' AS kind, channel AS value FROM did"
    " WHERE channel IS NOT NULL AND channel <> ''\n"
    "  UNION ALL SELECT DISTINCT customer_id, 'department' AS kind, department AS value"
    " FROM bought WHERE department IS NOT NULL AND department <> ''\n"
    "  UNION ALL SELECT DISTINCT customer_id, 'category' AS kind, category AS value"
    " FROM bought WHERE category IS NOT NULL AND category <> ''",
)
HELD = Analysis(
    "contrast_held",
    (_MARKED, _PLACED, _DID, _BOUGHT, _THINGS),
    "SELECT t.kind, t.value, CAST(SUM(p.in_one) AS BIGINT) AS one,"
    " CAST(SUM(1 - p.in_one) AS BIGINT) AS other\n"
    "FROM things AS t JOIN placed AS p ON p.customer_id = t.customer_id\n"
    "GROUP BY t.kind, t.value HAVING COUNT(*) >= {fewest} ORDER BY t.kind, t.value",
)
TRAITS = Analysis(
    "contrast_traits",
    (_MARKED, _PLACED),
    "SELECT c.traits, p.in_one = 1 AS in_one\n"
    "FROM customers AS c JOIN placed AS p ON p.customer_id = c.customer_id\n"
    "WHERE c.traits IS NOT NULL",
)
