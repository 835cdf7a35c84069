"""Scores go when the person's choices no longer allow them, also between two runs."""

from __future__ import annotations

from collections import defaultdict
from typing import LiteralString

from touchloop.consent import api as consent
from touchloop.core.db import Connection


def withdraw(conn: Connection) -> dict[str, list[int]]:
    """Take out the scores that models gave customers who do not allow their purpose (any more).

    Gives the customers by the score's name. By the stored masks: who refused one category only is
    out at the next run. Commits with the caller.
    """
    rows = conn.execute("SELECT DISTINCT purpose FROM model_versions").fetchall()
    gone: dict[str, list[int]] = defaultdict(list)
    for (purpose,) in rows:
        params = {"purpose": purpose, "bit": consent.BIT.get(purpose, 0)}
        for name, customer in conn.execute(_GONE, params).fetchall():
            gone[name].append(customer)
    return dict(gone)


def retire(conn: Connection, kind: str, word: str) -> dict[str, list[int]]:
    """End a kind that is no more: its scores go, its versions are let go with the word why.

    Gives the customers by the score's name. Commits with the caller.
    """
    gone: dict[str, list[int]] = defaultdict(list)
    for name, customer in conn.execute(_SCORED, (kind,)).fetchall():
        gone[name].append(customer)
    conn.execute(_LET_GO, (word, kind))
    return dict(gone)


_SCORED: LiteralString = """
DELETE FROM scores s USING model_versions v
WHERE v.id = s.model_version_id AND v.kind = %s RETURNING s.name, s.customer_id
"""
_LET_GO: LiteralString = """
UPDATE model_versions SET state = CASE state WHEN 'in_use' THEN 'kept' ELSE state END, word = %s,
  blob = NULL, let_go = true
WHERE kind = %s AND NOT let_go
"""
_GONE: LiteralString = """
DELETE FROM scores s USING model_versions v, customers c
WHERE v.id = s.model_version_id AND v.purpose = %(purpose)s AND c.id = s.customer_id
  AND c.allowed & %(bit)s = 0
  AND NOT EXISTS (SELECT FROM use_grants g JOIN identifiers i ON i.id = g.subject_id
                  WHERE i.customer_id = c.id AND g.purpose = %(purpose)s AND g.category <> ''
                    AND g.state = 'granted')
RETURNING s.name, s.customer_id
"""
