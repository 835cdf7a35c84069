"""Retention: what is forgotten by its age alone, as the manifest says.

Most rows go with their customer; these tables are aged besides. A rule here and the words of the
manifest must agree, which is a test.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from psycopg import sql

from touchloop.core.db import Connection

AT_ONCE: Final = 10_000  # rows of a table in one turn: nobody else is kept waiting


@dataclass(frozen=True, slots=True)
class Rule:
    """Rows of `table` go when `column` is more than `days` ago."""

    table: str
    column: str
    days: int


# A message may be opened again as long as the link in it to the preferences works.
RULES: Final = (
    Rule("message_links", "made_at", 400),
    Rule("mail_returns", "at", 400),
    Rule("matching_list_rows", "at", 30),
)


def age(conn: Connection, *, now: datetime, at_once: int = AT_ONCE) -> dict[str, int]:
    """Forget what is older than its rule allows, so many rows of each table; how many went.

    Does not commit.
    """
    return {
        rule.table: conn.execute(
            _FORGET.format(table=sql.Identifier(rule.table), column=sql.Identifier(rule.column)),
            (now - timedelta(days=rule.days), at_once),
        ).rowcount
        for rule in RULES
    }


_FORGET = sql.SQL(
    "DELETE FROM {table} WHERE id IN"
    " (SELECT id FROM {table} WHERE {column} < %s ORDER BY id LIMIT %s)"
)
