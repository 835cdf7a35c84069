"""PostgreSQL array literals for set-based SQL: pass as a parameter and cast, `%s::bigint[]`.

psycopg adapts every element of a list by itself, about a microsecond each; a batch has tens of
thousands. These make the one text that the server reads.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID


def numbers(values: Iterable[float | None]) -> str:
    """For smallint[], int[], bigint[] and float8[]."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def texts(values: Iterable[str | None]) -> str:
    """For text[] and jsonb[]."""
    return "{" + ",".join([_quoted(value) for value in values]) + "}"


def instants(values: Iterable[datetime | None]) -> str:
    """For timestamptz[]."""
    return "{" + ",".join(["NULL" if at is None else f'"{at.isoformat()}"' for at in values]) + "}"


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
