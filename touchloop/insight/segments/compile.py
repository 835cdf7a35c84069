"""The one compiler: rules become one statement over the relations, for everybody or for some.

The statement is DuckDB's dialect, a list of named steps over `interactions`, `lines`, `customers`,
`members`, `scores` (and `wanted`, the customers asked about, when not everybody is). It answers
with a row for each customer: a boolean per rule, named s<id> (for some customers: the words of bits
that `deciding` makes the same booleans of), and on request `due`, the first instant, in
microseconds, at which without a new interaction a window may change any of them.

Verdicts of conditions are collected as bits: a condition is a bit that is set when its verdict
differs from the verdict on a customer of whom nothing is known. A rule is then a few comparisons
of words, and customers without any interaction need no row anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from graphlib import CycleError, TopologicalSorter

from django.utils.translation import gettext as _

from touchloop.consent.api import PURPOSES
from touchloop.core.errors import Invalid
from touchloop.insight.segments import counting, ordering
from touchloop.insight.segments import grammar as g
from touchloop.insight.segments.deciding import WORD, Verdict, as_sql, decide
from touchloop.insight.segments.literals import NOW, among, at, before_now, json_text
from touchloop.insight.segments.needs import Needs, needs
from touchloop.insight.segments.relations import Relation, Step
from touchloop.insight.segments.selecting import answer


@dataclass(frozen=True, slots=True)
class Compiled:
    """Rules as a statement. `parts` are in the order in which each reads the ones before."""

    rules: g.RuleSet
    parts: tuple[Step | Relation, ...]
    needs: Needs
    numbers: tuple[tuple[g.Condition, int], ...]
    verdicts: tuple[tuple[int, Verdict], ...]

    def sql(self, now: datetime, *, until: str = "", select: str = "") -> str:
        """The statement at an instant; `until` a step instead of the answer, for looking inside."""
        return at(_statement([_as_step(part) for part in self.parts], until, select), now)

    def bound_sql(self, now: datetime) -> str:
        """The statement for a caller that binds `constants` as relations itself."""
        return at(_statement([x for x in self.parts if isinstance(x, Step)], "", ""), now)

    @property
    def constants(self) -> tuple[Relation, ...]:
        return tuple(part for part in self.parts if isinstance(part, Relation))


def compile_rules(rules: g.RuleSet, *, everyone: bool, due: bool = False) -> Compiled:
    """Compile; Invalid when segments of the set depend on each other in a circle."""
    leaves = dict.fromkeys(leaf for _id, rule in rules.rules for leaf in g.conditions(rule))
    inner = frozenset(rules.ids)
    outer = [x for x in leaves if not (isinstance(x, g.InSegment) and x.segment_id in inner)]
    numbers = {leaf: number for number, leaf in enumerate(outer)}
    steps, flips, wakes = _gather(numbers, due=due)
    known = [x for x in numbers if isinstance(x, g.Trait | g.Consent | g.Stage)]
    parts = [_base(known, everyone=everyone), *steps]
    parts += _facts(numbers, known, flips)
    verdicts = {key: decide(rule, numbers, _otherwise) for key, rule in rules.rules}
    decided = order(rules)
    if everyone:
        parts += _layers(rules, decided, verdicts)
    columns = [f"s{key}" for key in rules.ids] if everyone else words(len(numbers))
    futures = _futures(needs(rules)) if due else []
    parts += _answer(parts[-1].name, columns, futures + wakes if due else None)
    ordered = tuple((key, verdicts[key]) for key in decided)
    return Compiled(rules, tuple(parts), needs(rules), tuple(numbers.items()), ordered)


def words(conditions: int) -> list[str]:
    """The names of the words that hold so many bits."""
    return [f"w{i}" for i in range(max(1, -(-conditions // WORD)))]


def order(rules: g.RuleSet) -> list[int]:
    """The segments of the set such that each comes after those that it asks about."""
    inner = frozenset(rules.ids)
    graph = {key: g.needs_segments(rule) & inner for key, rule in rules.rules}
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = " → ".join(str(x) for x in error.args[1])
        raise Invalid("rule", _("segments ask about each other in a circle: %s") % circle) from None


def _statement(steps: list[Step], until: str, select: str) -> str:
    names = [step.name for step in steps]
    kept = steps[: names.index(until) + 1] if until else steps
    listed = ",\n".join(f"{step.name} AS (\n  {step.sql}\n)" for step in kept)
    return f"WITH {listed}\n{select or f'SELECT * FROM {kept[-1].name}'}"


def _as_step(part: Step | Relation) -> Step:
    return part.as_step() if isinstance(part, Relation) else part


def _base(known: Sequence[g.Condition], *, everyone: bool) -> Step:
    """Whom we ask about, and what is known of them beside interactions."""
    columns = ["w.customer_id"] if not everyone else ["c.customer_id"]
    if any(isinstance(x, g.Stage) for x in known):
        columns.append("c.stage")
    if any(isinstance(x, g.Consent) for x in known):
        columns.append("COALESCE(c.allowed, 0) AS allowed")
    traits = dict.fromkeys(x.name for x in known if isinstance(x, g.Trait))
    columns += [f"{json_text('c.traits', [name])} AS x{i}" for i, name in enumerate(traits)]
    table = "customers AS c"
    if not everyone:
        table = "wanted AS w LEFT JOIN customers AS c ON c.customer_id = w.customer_id"
    return Step("base", f"SELECT {', '.join(columns)}\n  FROM {table}")


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
        limits = [(n, x.name, counting.compared(x.op, x.value)) for n, x in scores]
        rows = tuple((n, name, r.low, r.high, r.outside) for n, name, r in limits)
        yield (
            Relation("asked_scores", columns, rows),
            "SELECT s.customer_id, a.condition FROM scores AS s"
            " JOIN asked_scores AS a ON a.name = s.name"
            " WHERE (s.value BETWEEN a.low AND a.high) <> a.outside",
        )


def _facts(
    numbers: dict[g.Condition, int], known: Sequence[g.Condition], flips: list[str]
) -> list[Step]:
    """A row per customer with the words of bits."""
    traits = list(dict.fromkeys(x.name for x in known if isinstance(x, g.Trait)))
    columns, tables = ["b.customer_id"], "base AS b"
    for word in range(len(words(len(numbers)))):
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
            Step("bits", _bits(len(words(len(numbers))))),
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


def _layers(rules: g.RuleSet, decided: list[int], verdicts: dict[int, Verdict]) -> list[Step]:
    """Layers of rules: each asks about bits, and about segments of the layers before it."""
    by_id, inner = dict(rules.rules), frozenset(rules.ids)
    level: dict[int, int] = {}
    for key in decided:
        asked = g.needs_segments(by_id[key]) & inner
        level[key] = 1 + max((level[x] for x in asked), default=0)
    layers: list[Step] = []
    for number in range(1, max(level.values(), default=0) + 1):
        keys = [key for key in by_id if level[key] == number]
        columns = ", ".join(f"{as_sql(verdicts[key])} AS s{key}" for key in keys)
        before = layers[-1].name if layers else "facts"
        layers.append(Step(f"decided_{number}", f"SELECT *, {columns}\n  FROM {before}"))
    return layers


def _otherwise(leaf: g.Condition) -> bool:
    """The verdict when the bit is not set."""
    if isinstance(leaf, g.Interactions):
        return counting.otherwise(leaf)
    return isinstance(leaf, g.InSegment) and not leaf.member


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
