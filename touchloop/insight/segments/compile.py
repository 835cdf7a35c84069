"""The statement: rules over the relations of everybody, as one question to DuckDB.

It is DuckDB's dialect, a list of named steps over `interactions`, `lines`, `customers`, `members`
and `scores`. It answers with a row for each customer: a boolean per rule, named s<id>, and on
request `due`, the first instant, in microseconds, at which without a new interaction a window may
change any of them. Customers without any interaction need no row in any step.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from touchloop.consent.api import PURPOSES
from touchloop.insight.segments import counting, ordering
from touchloop.insight.segments import grammar as g
from touchloop.insight.segments.deciding import WORD, as_sql
from touchloop.insight.segments.described import Described, describe
from touchloop.insight.segments.limits import compared
from touchloop.insight.segments.needs import Needs
from touchloop.insight.segments.selecting import answer
from touchloop.lake.api import NOW, Relation, Step, among, at, before_now, json_text


@dataclass(frozen=True, slots=True)
class Compiled:
    """Rules as a statement. `steps` are in the order in which each reads the ones before."""

    numbers: tuple[tuple[g.Condition, int], ...]
    steps: tuple[Step, ...]

    def sql(self, now: datetime, *, until: str = "", select: str = "") -> str:
        """The statement at an instant; `until` a step instead of the answer, for looking inside."""
        return at(_statement(self.steps, until, select), now)


def compile_rules(rules: g.RuleSet, *, due: bool = False) -> Compiled:
    """Compile, for everyone; Invalid when segments of the set ask about each other in a circle."""
    described = describe(rules)
    numbers = dict(described.numbers)
    steps, flips, wakes = _gather(numbers, due=due)
    known = [x for x in numbers if isinstance(x, g.Trait | g.Consent | g.Stage)]
    parts = [_base(known), *steps]
    parts += _facts(numbers, known, flips, described.words)
    parts += _layers(described)
    futures = _futures(described.needs) if due else []
    columns = [f"s{key}" for key in rules.ids]
    parts += _answer(parts[-1].name, columns, futures + wakes if due else None)
    listed = (part.as_step() if isinstance(part, Relation) else part for part in parts)
    return Compiled(described.numbers, tuple(listed))


def _statement(steps: Sequence[Step], until: str, select: str) -> str:
    names = [step.name for step in steps]
    kept = steps[: names.index(until) + 1] if until else steps
    listed = ",\n".join(f"{step.name} AS (\n  {step.sql}\n)" for step in kept)
    return f"WITH {listed}\n{select or f'SELECT * FROM {kept[-1].name}'}"


def _base(known: Sequence[g.Condition]) -> Step:
    """Everybody, and what is known of them beside interactions."""
    columns = ["c.customer_id"]
    if any(isinstance(x, g.Stage) for x in known):
        columns.append("c.stage")
    if any(isinstance(x, g.Consent) for x in known):
        columns.append("COALESCE(c.allowed, 0) AS allowed")
    traits = dict.fromkeys(x.name for x in known if isinstance(x, g.Trait))
    columns += [f"{json_text('c.traits', [name])} AS x{i}" for i, name in enumerate(traits)]
    return Step("base", f"SELECT {', '.join(columns)}\n  FROM customers AS c")


def _gather(
    numbers: dict[g.Condition, int], *, due: bool
) -> tuple[list[Step | Relation], list[str], list[str]]:
    """The steps that find flips of bits, the queries that give them, and those that give wakes."""
    steps: list[Step | Relation] = []
    flips: list[str] = []
    wakes: list[str] = []
    counted = [(n, x) for x, n in numbers.items() if isinstance(x, g.Interactions)]
    if counted:
        steps += counting.steps(counted, due=due)
        flips.append("SELECT customer_id, condition FROM judged WHERE verdict <> otherwise")
        wakes.append(counting.WAKES)
    for leaf, number in numbers.items():
        if isinstance(leaf, g.Sequence | g.Overdue):
            found = (
                ordering.sequence(number, leaf)
                if isinstance(leaf, g.Sequence)
                else ordering.overdue(number, leaf)
            )
            steps += found
            name = found[-1].name
            flips.append(f"SELECT customer_id, {number} AS condition FROM {name} WHERE held")
            wakes.append(f"SELECT customer_id, due FROM {name}")
    for relation, query in _looked_up(numbers):
        steps.append(relation)
        flips.append(query)
    return steps, flips, wakes


def _looked_up(numbers: dict[g.Condition, int]) -> Iterable[tuple[Relation, str]]:
    segments = [(n, x.segment_id) for x, n in numbers.items() if isinstance(x, g.InSegment)]
    if segments:
        columns: tuple[tuple[str, str], ...] = (("condition", "BIGINT"), ("segment_id", "BIGINT"))
        yield (
            Relation("asked_segments", columns, tuple(segments)),
            "SELECT m.customer_id, a.condition FROM members AS m"
            " JOIN asked_segments AS a ON a.segment_id = m.segment_id",
        )
    scores = [(n, x) for x, n in numbers.items() if isinstance(x, g.Score)]
    if scores:
        columns = (
            ("condition", "BIGINT"), ("name", "VARCHAR"), ("low", "DOUBLE"), ("high", "DOUBLE"),
            ("outside", "BOOLEAN"),
        )  # fmt: skip
        limits = [(n, x.name, compared(x.op, x.value)) for n, x in scores]
        rows = tuple((n, name, r.low, r.high, r.outside) for n, name, r in limits)
        yield (
            Relation("asked_scores", columns, rows),
            "SELECT s.customer_id, a.condition FROM scores AS s"
            " JOIN asked_scores AS a ON a.name = s.name"
            " WHERE (s.value BETWEEN a.low AND a.high) <> a.outside",
        )


def _facts(
    numbers: dict[g.Condition, int], known: Sequence[g.Condition], flips: list[str], words: int
) -> list[Step]:
    """A row per customer with the words of bits."""
    traits = list(dict.fromkeys(x.name for x in known if isinstance(x, g.Trait)))
    columns, tables = ["b.customer_id"], "base AS b"
    for word in range(words):
        terms = [f"COALESCE(f.w{word}, 0)"] if flips else []
        terms += [
            f"CASE WHEN {_known(x, traits)} THEN {1 << numbers[x] % WORD} ELSE 0 END"
            for x in known
            if numbers[x] // WORD == word
        ]
        columns.append(f"{' + '.join(terms) or '0'} AS w{word}")
    steps = []
    if flips:
        steps = [
            Step("flips", "\n  UNION ALL ".join(flips)),
            Step("bits", _bits(words)),
        ]
        tables += " LEFT JOIN bits AS f ON f.customer_id = b.customer_id"
    return [*steps, Step("facts", f"SELECT {', '.join(columns)}\n  FROM {tables}")]


def _bits(count: int) -> str:
    one = f"CAST(1 AS BIGINT) << CAST(condition % {WORD} AS INTEGER)"
    if count == 1:
        columns = f"BIT_OR({one}) AS w0"
    else:
        columns = ", ".join(
            f"BIT_OR(CASE WHEN condition // {WORD} = {i} THEN {one} ELSE 0 END) AS w{i}"
            for i in range(count)
        )
    return f"SELECT customer_id, {columns}\n  FROM flips GROUP BY customer_id"


def _known(leaf: g.Condition, traits: list[str]) -> str:
    match leaf:
        case g.Trait(name, value):
            return answer(f"b.x{traits.index(name)}", value)
        case g.Stage(values):
            return among("b.stage", values)
        case g.Consent(purpose, allowed):
            return f"(b.allowed & {1 << PURPOSES.index(purpose)}) {'<>' if allowed else '='} 0"
        case _:
            raise TypeError(leaf)


def _layers(described: Described) -> list[Step]:
    """Layers of rules: each asks about bits, and about segments of the layers before it."""
    by_id, verdicts = dict(described.rules.rules), dict(described.verdicts)
    level: dict[int, int] = {}
    for key in verdicts:
        asked = g.needs_segments(by_id[key]) & verdicts.keys()
        level[key] = 1 + max((level[x] for x in asked), default=0)
    layers: list[Step] = []
    for number in range(1, max(level.values(), default=0) + 1):
        keys = [key for key in by_id if level[key] == number]
        columns = ", ".join(f"{as_sql(verdicts[key])} AS s{key}" for key in keys)
        before = layers[-1].name if layers else "facts"
        layers.append(Step(f"decided_{number}", f"SELECT *, {columns}\n  FROM {before}"))
    return layers


def _futures(read: Needs) -> list[str]:
    """Interactions dated after now are seen when their instant comes."""
    found = []
    for relation, reading in (("interactions", read.interactions), ("lines", read.lines)):
        if reading is not None:
            filters = [f"occurred_at > {before_now(0)}"]
            if reading.names is not None:
                filters.append(among("name", sorted(reading.names)))
            found.append(
                "SELECT customer_id, EPOCH_US(occurred_at) AS due"
                f" FROM {relation} WHERE {' AND '.join(filters)}"
            )
    return found


def _answer(last: str, names: list[str], wakes: list[str] | None) -> list[Step]:
    columns = ", ".join(["d.customer_id", *(f"d.{name}" for name in names)])
    if wakes is None:
        return [Step("answer", f"SELECT {columns}\n  FROM {last} AS d")]
    union = "\n  UNION ALL ".join(wakes) or (
        "SELECT customer_id, CAST(NULL AS BIGINT) AS due FROM base"
    )
    soonest = (
        f"SELECT customer_id, MIN(due) AS due\n  FROM wakes WHERE due > {NOW} GROUP BY customer_id"
    )
    return [
        Step("wakes", union),
        Step("soonest", soonest),
        Step(
            "answer",
            f"SELECT {columns}, n.due\n"
            f"  FROM {last} AS d LEFT JOIN soonest AS n ON n.customer_id = d.customer_id",
        ),
    ]
