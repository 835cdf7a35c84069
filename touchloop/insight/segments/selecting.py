"""Which rows a condition means: its source, its questions to a row, its bounds in time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from touchloop.core import clock
from touchloop.insight.segments import grammar as g
from touchloop.lake.api import among, before_now, json_text, lit

_SIGN = {"eq": "=", "ne": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
LARGEST_NUMBER = 1e300  # what lies beyond (NaN, infinities) is no number
_NUMBERS = "BETWEEN -1e300 AND 1e300"

# The three shapes in which rows are read; in the third a product stands beside its interaction.
INTERACTIONS, LINES, BOTH = "interactions", "lines", "lines_in_context"
FROM = {
    INTERACTIONS: "interactions AS i",
    LINES: "lines AS l",
    BOTH: "lines AS l JOIN interactions AS i"
    " ON i.customer_id = l.customer_id AND i.interaction_id = l.interaction_id",
}
LEAD = {INTERACTIONS: "i", LINES: "l", BOTH: "l"}  # who gives customer, name, instant

DAY = 86_400_000_000
_LONG_AGO = 7 * 110_000 * DAY  # whole weeks: what is divided is never negative, and rounds down

# An instant with an offset from UTC; TIMESTAMP would read it and pass the offset over.
_OFFSET = r":[0-9]{2}(\.[0-9]+)? ?[+-][0-9]{2}(:?[0-9]{2})?$"


@dataclass(frozen=True, slots=True)
class Bounds:
    """A window as numbers: a length back from now, or fixed microseconds; None where it is open."""

    length: int | None = None
    start: int | None = None
    stop: int | None = None


def source_of(events: g.Events, measured: str = "") -> str:
    """The shape that holds what is asked."""
    lines = bool(events.lines) or measured in g.LINE_MEASURES
    context = bool(events.type or events.channels or events.locations or events.where)
    if measured in ("property", "location", "channel", "value"):
        context = True
    if not lines:
        return INTERACTIONS
    return BOTH if context else LINES


def questions(events: g.Events, source: str) -> tuple[str, ...]:
    """What a row must answer beside its name and time."""
    found = [among("i.type", [events.type])] if events.type else []
    if source == INTERACTIONS and not events.type and may_be_own(events):
        found.append(f"COALESCE(i.type, '') <> {lit(g.OWN_TYPE)}")
    if events.channels:
        found.append(among("i.channel", events.channels))
    if events.locations:
        found.append(among("i.location", events.locations))
    found += [answer(property_text(x.path), x.value) for x in events.where]
    return tuple(found + [_line(x) for x in events.lines])


def may_be_own(events: g.Events) -> bool:
    """Whether what Touchloop itself notes, which never counts, could be among them."""
    return not events.names or any(name in g.OWN_NAMES for name in events.names)


def property_text(path: str) -> str:
    """What stands under a path of the properties, as text."""
    return json_text("i.properties", path.split("."))


def answer(text: str, value: g.Value) -> str:
    """The question of a `Value` to a text expression; NULL where nothing is known."""
    match value.op:
        case "exists":
            return f"{text} IS NOT NULL"
        case "missing":
            return f"{text} IS NULL"
        case "contains":
            return f"CONTAINS({text}, {lit(value.values[0])})"
        case "starts":
            return f"STARTS_WITH({text}, {lit(value.values[0])})"
    match value.type:
        case "number":
            number = as_number(text)
            return f"({_compared(number, value)} AND {number} {_NUMBERS})"
        case "date":
            return _compared(as_instant(text), value)
        case "bool":
            wanted = value.values[0] is (value.op == "eq")
            return f"{text} = {lit('true' if wanted else 'false')}"
        case _:
            return _compared(text, value)


def as_number(text: str) -> str:
    """The number that a text says; NULL where it says none."""
    return f"TRY_CAST({text} AS DOUBLE)"


def as_instant(text: str) -> str:
    """The instant that a text says, in UTC; NULL where it says none."""
    zoned = f"MAKE_TIMESTAMP(EPOCH_US(TRY_CAST({text} AS TIMESTAMPTZ)))"
    return (
        f"CASE WHEN REGEXP_MATCHES({text}, {lit(_OFFSET)}) THEN {zoned}"
        f" ELSE TRY_CAST({text} AS TIMESTAMP) END"
    )


def day_of(micros: str) -> str:
    """The day (UTC) of an instant in microseconds, counted from some Thursday."""
    return f"({micros} + {_LONG_AGO}) // {DAY}"


def named(events: g.Events, lead: str) -> list[str]:
    """The event names as a filter that a file's statistics can use."""
    return [among(f"{lead}.name", events.names)] if events.names else []


def bounds(window: g.Window) -> Bounds:
    """A window as numbers."""
    if isinstance(window, g.Last):
        return Bounds(length=window.micros)
    if isinstance(window, g.Between):
        return Bounds(start=_micros(window.start), stop=_micros(window.end))
    return Bounds()


def inside(window: g.Window, lead: str) -> list[str]:
    """A window and "not in the future" as filters on the instant of a row."""
    found = [f"{lead}.occurred_at <= {before_now(0)}"]
    if isinstance(window, g.Last):
        found.append(f"{lead}.occurred_at > {before_now(window.micros)}")
    if isinstance(window, g.Between) and window.start is not None:
        found.append(f"{lead}.occurred_at >= {lit(window.start)}")
    if isinstance(window, g.Between) and window.end is not None:
        found.append(f"{lead}.occurred_at < {lit(window.end)}")
    return found


def rows(events: g.Events, window: g.Window, columns: str) -> str:
    """The rows that are meant, as a query of its own: customer, instant `t`, further columns."""
    source = source_of(events)
    lead = LEAD[source]
    filters = [*named(events, lead), *inside(window, lead), *questions(events, source)]
    return (
        f"SELECT {lead}.customer_id, EPOCH_US({lead}.occurred_at) AS t{columns}\n"
        f"  FROM {FROM[source]}\n  WHERE {' AND '.join(filters)}"
    )


def _line(line: g.Line) -> str:
    column = f"l.{line.field}"
    if line.op == "in":
        return among(column, line.values)
    return f"CONTAINS({column}, {lit(line.values[0])})"


def _compared(left: str, value: g.Value) -> str:
    if value.op == "in":
        return f"{left} IN ({', '.join(lit(x) for x in value.values)})" if value.values else "FALSE"
    return f"{left} {_SIGN[value.op]} {lit(value.values[0])}"


def _micros(instant: datetime | None) -> int | None:
    if instant is None:
        return None
    return clock.micros(instant.replace(tzinfo=UTC))
