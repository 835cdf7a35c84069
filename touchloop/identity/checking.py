"""What must hold of the stored partition, for `touchloop doctor`."""

from __future__ import annotations

from typing import Final, LiteralString

from touchloop.core.db import Connection


def broken(conn: Connection) -> list[str]:
    """The rules that do not hold, in words; empty when all is well."""
    found = []
    for words, sql in _RULES:
        row = conn.execute(f"SELECT count(*) FROM ({sql} LIMIT 1000) x").fetchone()
        if row and row[0]:
            found.append(f"{row[0]} {words}")
    return found


_RULES: Final[tuple[tuple[str, LiteralString], ...]] = (
    (
        "identifiers point to a customer that does not lead itself",
        "SELECT FROM identifiers i LEFT JOIN identifiers l ON l.id = i.customer_id"
        " WHERE l.customer_id IS DISTINCT FROM l.id",
    ),
    (
        "links end at an identifier that is gone",
        "SELECT FROM links l WHERE NOT EXISTS (SELECT FROM identifiers WHERE id = l.a_id)"
        " OR NOT EXISTS (SELECT FROM identifiers WHERE id = l.b_id)",
    ),
    (
        "open suggestions name somebody who leads no customer",
        "SELECT FROM suggestions s WHERE s.state = 'open' AND"
        " (SELECT count(*) FROM identifiers WHERE id IN (s.a_id, s.b_id) AND customer_id = id) < 2",
    ),
)
