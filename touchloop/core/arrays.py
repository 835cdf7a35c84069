"""PostgreSQL array literals for set-based SQL: pass as a parameter and cast, `%s::bigint[]`.

psycopg adapts every element of a list by itself, about a microsecond each; a batch has tens of
thousands. These make the one text that the server reads.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import cast
from uuid import UUID


def numbers(values: Iterable[float | None]) -> str:
    """For smallint[], int[], bigint[] and float8[]."""
    return "{" + ",".join(map(str, values)).replace("None", "NULL") + "}"


def texts(values: Iterable[str | None]) -> str:
    """For text[] and jsonb[]."""
    given = list(values)
    try:
        joined = '","'.join(cast("list[str]", given))
    except TypeError:  # one of them is None
        joined = "\\"
    # Nothing to escape, as a rule: then joining them was all.
    if given and "\\" not in joined and joined.count('"') == 2 * (len(given) - 1):
        return '{"' + joined + '"}'
    return "{" + ",".join([_quoted(value) for value in given]) + "}"


def instants(values: Iterable[datetime | None]) -> str:
    """For timestamptz[]."""
    found, last, text = [], None, "NULL"
    for at in values:
        if at is not last:  # what a batch has in common is one object
            last, text = at, "NULL" if at is None else f'"{at.isoformat()}"'
        found.append(text)
    return "{" + ",".join(found) + "}"


def uuids(values: Iterable[UUID | bytes | None]) -> str:
    """For uuid[]; 16 bytes are one as well."""
    return "{" + ",".join([_uuid(value) for value in values]) + "}"


def _quoted(value: str | None) -> str:
    if value is None:
        return "NULL"
    if "\\" in value or '"' in value:
        value = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{value}"'


def _uuid(value: UUID | bytes | None) -> str:
    if value is None:
        return "NULL"
    return value.hex() if isinstance(value, bytes) else value.hex
