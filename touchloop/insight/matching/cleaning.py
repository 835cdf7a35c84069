"""One written form for what people wrote in many: the cleaned table that is compared.

Everything is SQL of DuckDB over whole columns. Blank, "null", "n/a" and the like become NULL, for
two records are not alike because both say nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import duckdb

from touchloop.insight.matching import columns, comparing
from touchloop.insight.matching.columns import Field, Seen

TABLE: Final = "people"
RECORD: Final = "touchloop_row"  # its number, from 0; no list has a column of that name
EXAMPLES = 2_000
_FORMATS: Final = (
    "%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y",
    "%m-%d-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%Y", "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M:%S", "%d.%m.%y", "%d/%m/%y", "%m/%d/%y",
)  # fmt: skip


def seen(conn: duckdb.DuckDBPyConnection, table: str, names: Sequence[str]) -> dict[str, Seen]:
    """What stands in columns of a table, with examples drawn the same way each time."""
    found = {}
    for name in names:
        column = quoted(name)
        filled, distinct, top = _one(
            conn,
            f"SELECT coalesce(sum(n), 0), count(*), coalesce(max(n), 0) FROM (SELECT trim({column})"
            f" AS v, count(*) AS n FROM {table} WHERE trim({column}) <> '' GROUP BY v)",
        )
        examples = conn.execute(
            f"SELECT DISTINCT trim({column}) AS v FROM {table} WHERE trim({column}) <> ''"
            f" ORDER BY hash(v), v LIMIT {EXAMPLES}"
        ).fetchall()
        found[name] = Seen(int(filled), int(distinct), int(top), [row[0] for row in examples])
    return found


def clean(
    conn: duckdb.DuckDBPyConnection,
    table: str,
    fields: Sequence[Field],
    what: Mapping[str, Seen],
    *,
    now: datetime,
) -> tuple[str, ...]:
    """Make the table `people` from one whose rows are numbered by `record`; gives its columns."""
    for macro in comparing.MACROS:
        conn.execute(macro)
    made: dict[str, str] = {}
    for field in fields:
        made |= _written(field, what[field.column], now)
    if not {"given", "surname"} <= made.keys() and "full_name" in made:
        made |= _split(made.pop("full_name"))
    else:
        made.pop("full_name", None)
    listed = ", ".join(f"{sql} AS {name}" for name, sql in made.items())
    conn.execute(
        f"CREATE OR REPLACE TABLE {TABLE} AS SELECT {RECORD}{', ' if listed else ''}{listed}"
        f" FROM {table} ORDER BY {RECORD}"
    )
    if {"given", "surname"} <= made.keys():
        conn.execute(_BOTH_NAMES)
        made["both_names"] = ""
    return tuple(made)


def quoted(name: str) -> str:
    """A column's name as SQL."""
    return '"' + name.replace('"', '""') + '"'


def _written(field: Field, what: Seen, now: datetime) -> dict[str, str]:
    raw = quoted(field.column)
    if field.kind == columns.BORN:
        parsed = f"try_strptime(trim({raw}), {_formats(what)})"
        year = f"year({parsed})"
        day = (
            f"CASE WHEN {year} BETWEEN 1850 AND {now.year} THEN {parsed}"
            f" WHEN {year} BETWEEN {now.year + 1} AND {now.year + 70}"
            f" AND NOT regexp_matches(trim({raw}), '[0-9]{{4}}')"
            f" THEN {parsed} - INTERVAL 100 YEAR END"
        )
        digits = f"regexp_replace({raw}, '[^0-9]', '', 'g')"
        # A date that cannot be (the 39th) is a slip in one that can: it stays comparable.
        order = {"%Y": digits, "%d": f"substr({digits}, 5, 4) || substr({digits}, 3, 2)"
                 f" || substr({digits}, 1, 2)"}.get(_formats(what)[0][:2])  # fmt: skip
        slip = f"CASE WHEN length({digits}) = 8 THEN {order} END" if order else "NULL"
        text = f"coalesce(strftime({day}, '%Y%m%d'), {slip})"
        return {field.name: text, f"{field.name}_day": f"CAST(epoch({day}) / 86400 AS INTEGER)"}
    if field.kind == columns.EMAIL:
        return {field.name: _unless_nothing(f"lower(regexp_replace({raw}, '\\s', '', 'g'))")}
    if field.kind == columns.PHONE:
        digits = f"regexp_replace({raw}, '[^0-9]', '', 'g')"
        return {field.name: f"CASE WHEN length({digits}) >= 5 THEN right({digits}, 9) END"}
    if field.kind in (columns.POSTCODE, columns.NATIONAL_ID, columns.HOUSE):
        plain = f"regexp_replace(lower({raw}), '[^\\p{{L}}\\p{{N}}]', '', 'g')"
        return {field.name: _unless_nothing(plain)}
    return {field.name: _words(raw)}


def _words(raw: str) -> str:
    spaced = f"regexp_replace(lower(strip_accents({raw})), '[^\\p{{L}}\\p{{N}},]+', ' ', 'g')"
    if_names = f"trim(regexp_replace({spaced}, '\\s*,\\s*', ' ', 'g'))"
    return _unless_nothing(if_names)


def _unless_nothing(sql: str) -> str:
    return f"CASE WHEN {sql} NOT IN ({_NOTHING}) THEN {sql} END"


def _split(full: str) -> dict[str, str]:
    """The last word is the surname, the rest given names."""
    return {
        "given": f"nullif(regexp_extract({full}, '^(.*) [^ ]+$', 1), '')",
        "surname": f"nullif(regexp_extract({full}, '([^ ]+)$', 1), '')",
    }


def _formats(what: Seen) -> list[str]:
    """The formats that some values have, those that fit most first."""
    fits: dict[str, int] = {}
    for form in _FORMATS:
        fits[form] = sum(_parses(example, form) for example in what.examples)
    ordered = sorted((form for form in _FORMATS if fits[form]), key=lambda form: -fits[form])
    return ordered or list(_FORMATS[:1])


def _parses(text: str, form: str) -> bool:
    try:
        parsed = datetime.strptime(text, form)
    except ValueError:
        return False
    return "%y" in form or parsed.year >= 1850


def _one(conn: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    return conn.execute(sql).fetchall()[0]


_NOTHING = (
    "'', '-', '.', '?', 'null', 'none', 'nan', 'n a', 'n/a', 'unknown', 'undefined', 'not set',"
    " 'missing', 'not given', '(null)'"
)
_BOTH_NAMES = f"""
CREATE OR REPLACE TABLE {TABLE} AS
SELECT *, CASE WHEN given IS NOT NULL AND surname IS NOT NULL
  THEN least(given, surname) || ' ' || greatest(given, surname) END AS both_names
FROM (SELECT * FROM {TABLE})
"""
