"""Values as SQL text. Nothing that a person typed enters a statement except through here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from sqlglot import exp

from touchloop.core import clock

# Where the instant goes: a statement is compiled once and asked at many instants. Rules cannot
# hold control characters, so these marks are never part of a value.
NOW = "\x00now\x00"
_MARK = re.compile("\x00(?:(now)|before:(\\d+))\x00")
_LARGEST = 1.7976931348623157e308


def before_now(micros: int) -> str:
    """The instant so long before now, as a TIMESTAMP."""
    return f"\x00before:{micros}\x00"


def at(statement: str, now: datetime) -> str:
    """The statement with the instant in it; `NOW` is in microseconds since 1970."""
    now = now.astimezone(UTC)

    def instant(match: re.Match[str]) -> str:
        if match[1]:
            return str(clock.micros(now))
        return lit((now - timedelta(microseconds=int(match[2]))).replace(tzinfo=None))

    return _MARK.sub(instant, statement)


def lit(value: str | float | int | bool | datetime | None) -> str:
    """One value as a literal."""
    match value:
        case None:
            return "NULL"
        case bool():
            return "TRUE" if value else "FALSE"
        case int():
            return str(value)
        case float():
            return repr(max(-_LARGEST, min(_LARGEST, value)))
        case datetime():
            return f"TIMESTAMP '{value:%Y-%m-%d %H:%M:%S.%f}'"
        case str():
            return exp.Literal.string(value).sql("duckdb")


def among(column: str, values: Iterable[str]) -> str:
    """The column is one of the values."""
    found = [lit(value) for value in dict.fromkeys(values)]
    return f"{column} = {found[0]}" if len(found) == 1 else f"{column} IN ({', '.join(found)})"


def json_text(column: str, keys: Iterable[str]) -> str:
    """The text under a path of a JSON column; NULL where there is none, or JSON's null."""
    found = list(keys)
    # A lone asterisk is a wildcard even between quotes; a pointer knows none.
    path = "/*" if found == ["*"] else "$" + "".join(f'."{key}"' for key in found)
    return f"JSON_EXTRACT_STRING({column}, {lit(path)})"
