"""Conditions that make a number of interactions: one reading per relation for all of them.

The conditions are rows of small relations (`asked`, `limits`) that the readings are joined to, so
the statement has the same size for one rule and for fifty: a column per condition costs DuckDB 0.2
to 0.7 ms of planning each, every time, and more when there are many.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from touchloop.insight.segments import grammar as g
from touchloop.insight.segments import selecting
from touchloop.insight.segments.limits import counts_many, limit_of
from touchloop.insight.segments.selecting import FROM, INTERACTIONS, LEAD
from touchloop.lake.api import NOW, Relation, Step, among, before_now, json_text, lit

_MASK_BITS = 60

ASKED = (
    ("condition", "BIGINT"), ("reading", "VARCHAR"), ("name", "VARCHAR"), ("key", "VARCHAR"),
    ("pick", "BIGINT"), ("length", "BIGINT"), ("start", "BIGINT"), ("stop", "BIGINT"),
)  # fmt: skip
LIMITS = (
    ("condition", "BIGINT"), ("measure", "VARCHAR"), ("low", "DOUBLE"), ("high", "DOUBLE"),
    ("outside", "BOOLEAN"), ("otherwise", "BOOLEAN"), ("wake", "VARCHAR"), ("wake_if", "BOOLEAN"),
    ("length", "BIGINT"), ("crossing", "BIGINT"),
)  # fmt: skip


@dataclass(slots=True)
class _Reading:
    """One way through one source: the columns, questions and rows that its conditions need."""

    source: str
    distinct: bool
    key: str  # the column of a line by whose value conditions are found, as by the event's name
    questions: dict[str, int] = field(default_factory=dict)
    picks: dict[str, int] = field(default_factory=dict)
    leaves: list[tuple[int, g.Interactions]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return (
            f"{self.source}_{'kinds' if self.distinct else 'counts'}{self.key and '_by_'}{self.key}"
        )


def steps(leaves: Iterable[tuple[int, g.Interactions]], *, due: bool) -> list[Step | Relation]:
    """From the relations to `judged`: a row for each customer and condition with an interaction."""
    readings: dict[tuple[str, bool, str], _Reading] = {}
    for number, leaf in leaves:
        keyed = _key(leaf.events)
        source = selecting.source_of(leaf.events, leaf.of)
        key = (source, leaf.measure == "distinct", keyed.field if keyed else "")
        readings.setdefault(key, _Reading(*key)).leaves.append((number, leaf))
    if not readings:
        return []
    found: list[Step | Relation] = []
    asked: list[tuple[object, ...]] = []
    width = 1
    for reading in readings.values():
        _prepare(reading)
        width = max(width, _words(reading))
    for reading in readings.values():
        asked += [row for leaf in reading.leaves for row in _asked(reading, leaf, width)]
        found += _read(reading, due=due)
    columns = (*ASKED, *((f"need{i}", "BIGINT") for i in range(width)))
    limits = [_limits(number, leaf) for r in readings.values() for number, leaf in r.leaves]
    return [
        Relation("asked", columns, tuple(asked)),
        Relation("limits", LIMITS, tuple(limits)),
        Step("asked_now", _ASKED_NOW),
        *found,
        _judged(readings.values()),
    ]


_ASKED_NOW = f"""SELECT *, COALESCE({NOW} - length, start - 1, -9000000000000000000) AS after,
    COALESCE(stop, 9000000000000000000) AS until
  FROM asked"""


def _prepare(reading: _Reading) -> None:
    for _number, leaf in reading.leaves:
        for question in _questions(leaf.events, reading.source):
            reading.questions.setdefault(question, len(reading.questions))
        if expression := _measured(leaf, reading.source):
            reading.picks.setdefault(expression, len(reading.picks) + 1)


def _asked(
    reading: _Reading, numbered: tuple[int, g.Interactions], width: int
) -> list[tuple[object, ...]]:
    number, leaf = numbered
    bounds = selecting.bounds(leaf.window)
    needs = [0] * width
    for question in _questions(leaf.events, reading.source):
        word, bit = divmod(reading.questions[question], _MASK_BITS)
        needs[word] |= 1 << bit
    pick = reading.picks.get(_measured(leaf, reading.source), 0)
    return [
        (number, reading.name, name, key, pick, bounds.length, bounds.start, bounds.stop, *needs)
        for name in leaf.events.names or (None,)
        for key in _keys([leaf]) or (None,)
    ]


def _key(events: g.Events) -> g.Line | None:
    return next((line for line in events.lines if line.op == "in"), None)


def _keys(leaves: list[g.Interactions]) -> list[str]:
    found = [line for leaf in leaves if (line := _key(leaf.events)) is not None]
    return list(dict.fromkeys(value for line in found for value in line.values))


def _questions(events: g.Events, source: str) -> tuple[str, ...]:
    """What is left to ask a row that was found by its name and key."""
    keyed = _key(events)
    rest = tuple(line for line in events.lines if line is not keyed)
    return selecting.questions(replace(events, lines=rest), source)


def _limits(number: int, leaf: g.Interactions) -> tuple[object, ...]:
    limit = limit_of(leaf)
    return (
        number, limit.measure, limit.range.low, limit.range.high, limit.range.outside,
        limit.otherwise, limit.wake, limit.wake_if, limit.length, limit.crossing,
    )  # fmt: skip


def _measured(leaf: g.Interactions, source: str) -> str:
    """The expression that is added up, or whose distinct values are counted."""
    if leaf.measure not in ("sum", "distinct"):
        return ""
    lead = LEAD[source]
    day = selecting.day_of(f"EPOCH_US({lead}.occurred_at)")
    match leaf.of:
        case "property":
            text = json_text("i.properties", leaf.path.split("."))
            if leaf.measure == "distinct":
                return text
            number = selecting.as_number(text)
            return f"CASE WHEN {number} BETWEEN -1e300 AND 1e300 THEN {number} END"
        case "day":
            return f"CAST({day} AS VARCHAR)"
        case "week":  # weeks begin on Monday; 1970 began on a Thursday
            return f"CAST(({day} + 3) // 7 AS VARCHAR)"
        case "value" | "channel" | "location":
            return f"i.{leaf.of}"
        case _:
            return f"l.{leaf.of}"


def _words(reading: _Reading) -> int:
    return max(1, -(-len(reading.questions) // _MASK_BITS))


def _read(reading: _Reading, *, due: bool) -> list[Step | Relation]:
    lead = LEAD[reading.source]
    leaves = [leaf for _, leaf in reading.leaves]
    columns = [f"{lead}.customer_id", f"{lead}.name", f"EPOCH_US({lead}.occurred_at) AS t"]
    single = reading.source != INTERACTIONS and any(counts_many(leaf) for leaf in leaves)
    if single:
        columns.append(f"{lead}.interaction_id")
    if reading.key:
        columns.append(f"{lead}.{reading.key} AS key")
    columns += [f"{expression} AS v{i}" for expression, i in reading.picks.items()]
    if reading.questions:
        columns += [f"{_mask(reading, word)} AS mask{word}" for word in range(_words(reading))]
    filters = " AND ".join(_prune(leaves, reading.source))
    read = f"SELECT {', '.join(columns)}\n  FROM {FROM[reading.source]}\n  WHERE {filters}"
    return [
        Step(f"read_{reading.name}", read),
        Step(f"hits_{reading.name}", _hits(reading, single=single)),
        Step(reading.name, _grouped(reading, single=single, due=due)),
    ]


def _prune(leaves: list[g.Interactions], source: str) -> list[str]:
    """What every one of the conditions leaves out is not read at all."""
    lead = LEAD[source]
    found = [f"{lead}.occurred_at <= {before_now(0)}"]
    if all(leaf.events.names for leaf in leaves):
        names = tuple(dict.fromkeys(name for leaf in leaves for name in leaf.events.names))
        found += selecting.named(g.Events(names), lead)
    all_bounds = [selecting.bounds(leaf.window) for leaf in leaves]
    lengths = [b.length for b in all_bounds if b.length is not None]
    if len(lengths) == len(leaves):
        found.append(f"{lead}.occurred_at > {before_now(max(lengths))}")
    if keyed := _key(leaves[0].events):
        found.append(among(f"{lead}.{keyed.field}", _keys(leaves)))
    if len(leaves) == 1:
        found += _questions(leaves[0].events, source)
    return found


def _mask(reading: _Reading, word: int) -> str:
    bits = [
        f"CASE WHEN {question} THEN {1 << (place - word * _MASK_BITS)} ELSE 0 END"
        for question, place in reading.questions.items()
        if place // _MASK_BITS == word
    ]
    return " + ".join(bits)


def _hits(reading: _Reading, *, single: bool) -> str:
    columns = ["r.customer_id", "a.condition", "r.t"]
    if single:
        columns.append("r.interaction_id")
    if len(reading.picks) == 1 and reading.distinct:
        columns.append("r.v1 AS v")
    elif reading.picks:
        cases = " ".join(f"WHEN {i} THEN r.v{i}" for i in reading.picks.values())
        columns.append(f"CASE a.pick {cases} END AS v")
    filters = [f"a.reading = {lit(reading.name)}", "r.t > a.after", "r.t < a.until"]
    if reading.key:
        filters.append("a.key = r.key")
    if reading.questions:
        words = range(_words(reading))
        filters += [f"(r.mask{word} & a.need{word}) = a.need{word}" for word in words]
    head = f"SELECT {', '.join(columns)}\n  FROM read_{reading.name} AS r JOIN asked_now AS a ON"
    rest = " AND ".join(filters)
    found = []
    if any(leaf.events.names for _, leaf in reading.leaves):
        found.append(f"{head} a.name = r.name AND {rest}")
    if any(not leaf.events.names for _, leaf in reading.leaves):
        found.append(f"{head} a.name IS NULL AND {rest}")
    return "\n  UNION ALL\n  ".join(found)


def _grouped(reading: _Reading, *, single: bool, due: bool) -> str:
    measures = {leaf.measure for _, leaf in reading.leaves}
    many = "COUNT(DISTINCT interaction_id)" if single else "COUNT(*)"
    number = "COUNT(DISTINCT v)" if reading.distinct else many
    total = "SUM(v)" if "sum" in measures else "CAST(NULL AS DOUBLE)"
    nothing = "CAST(NULL AS BIGINT)"
    first = "MIN(t)" if due or "first" in measures else nothing
    last = "MAX(t)" if due or "last" in measures else nothing
    return (
        f"SELECT customer_id, condition, {number} AS n, {total} AS total,"
        f" {first} AS first_t, {last} AS last_t\n"
        f"  FROM hits_{reading.name} GROUP BY customer_id, condition"
    )


def _judged(readings: Iterable[_Reading]) -> Step:
    # Sums are rounded to four decimals: whatever the order of adding, money comes out the same.
    union = "\n    UNION ALL ".join(f"SELECT * FROM {reading.name}" for reading in readings)
    return Step(
        "judged",
        f"""SELECT *, COALESCE((seen BETWEEN low AND high) <> outside, FALSE) AS verdict
  FROM (
    SELECT s.customer_id, s.first_t, s.last_t, l.*,
      CASE l.measure
        WHEN 'sum' THEN COALESCE(ROUND(s.total, 4), 0)
        WHEN 'first' THEN CAST({NOW} - s.first_t AS DOUBLE)
        WHEN 'last' THEN CAST({NOW} - s.last_t AS DOUBLE)
        ELSE CAST(s.n AS DOUBLE) END AS seen
    FROM ({union}) AS s JOIN limits AS l ON l.condition = s.condition
  ) AS o""",
    )


WAKES = f"""SELECT customer_id, CASE
    WHEN wake = 'never' OR verdict <> wake_if THEN NULL
    WHEN wake = 'first' THEN first_t + length
    ELSE last_t + length END AS due
  FROM judged
  UNION ALL
  SELECT customer_id, crossing + CASE measure WHEN 'first' THEN first_t ELSE last_t END AS due
  FROM judged WHERE crossing IS NOT NULL AND crossing
    + CASE measure WHEN 'first' THEN first_t ELSE last_t END > {NOW}"""
