"""The request's own database connection, for functions of the rooms below that speak SQL.

It is Django's connection, so that what a page writes stands in the same transaction as its entry in
the audit trail. Django reads jsonb as text on it; here it comes as values, as on every other
connection of the product.
"""

from __future__ import annotations

from typing import Any, cast

import psycopg
from django.db import connection as django_connection
from psycopg.types.json import JsonbBinaryLoader, JsonbLoader

from touchloop.core.db import Connection


def here() -> Connection:
    """The connection of this request: it commits with Django's transaction, or at once."""
    django_connection.ensure_connection()
    return cast(Connection, _Plain(django_connection.connection))


class _Plain:
    """A psycopg connection whose cursors read values as psycopg does by itself."""

    def __init__(self, raw: psycopg.Connection[Any]) -> None:
        self._raw = raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def cursor(self, **wanted: Any) -> psycopg.Cursor[Any]:
        binary = wanted.pop("binary", False)
        cursor = psycopg.Cursor(self._raw, **wanted)
        cursor.format = psycopg.pq.Format.BINARY if binary else psycopg.pq.Format.TEXT
        cursor.adapters.register_loader("jsonb", JsonbLoader)
        cursor.adapters.register_loader("jsonb", JsonbBinaryLoader)
        return cursor

    def execute(
        self,
        query: Any,
        parameters: Any = None,
        *,
        prepare: bool | None = None,
        binary: bool = False,
    ) -> psycopg.Cursor[Any]:
        return self.cursor(binary=binary).execute(query, parameters, prepare=prepare)
