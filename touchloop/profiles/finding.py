"""Finding one customer by what somebody says: an e-mail, a phone in any format, a card, a name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from touchloop.core.db import Connection
from touchloop.identity.api import normalise

SHORTEST = 2
CANDIDATES = 400  # names that are looked at before the most recent of them are shown


@dataclass(frozen=True, slots=True)
class Match:
    """A customer that was found, and by which of its identifiers (or by name)."""

    id: int
    display_name: str
    email: str
    phone: str
    stage: str
    last_seen_at: datetime | None
    namespace: str  # of what matched: "" when it was the name
    value: str
    leader: tuple[str, str]  # namespace and value of the leading identifier


def find(
    conn: Connection,
    words: str,
    *,
    limit: int = 20,
    only_at: Sequence[int] | None = None,
    namespaces: Sequence[str] | None = None,
) -> list[Match]:
    """Exact identifiers first, then beginnings of identifiers, then names; most recent first.

    `only_at`: touchpoint ids that the reader is confined to. `namespaces`: the identifiers that the
    reader may see, and so may search by (None: all); who may not see e-mails finds by name only.
    """
    words = " ".join(words.replace("\0", "").split())[:200]
    if len(words) < SHORTEST and not words.isdigit():
        return []
    rows = conn.execute(
        _FIND,
        {
            "exact": spellings(words),
            "starts": beginnings(words),
            "name": _like(words.lower()),
            "query": prefix_query(words),
            "telling": prefix_query(telling(words)),
            "id": int(words.lstrip("#")) if _NUMBER.fullmatch(words) else None,
            "candidates": CANDIDATES,
            "limit": limit,
            "everywhere": only_at is None,
            "only_at": list(only_at or ()),
            "any": namespaces is None,
            "namespaces": list(namespaces or ()),
            "emails": namespaces is None or "email" in namespaces,
        },
    ).fetchall()
    return [Match(*(*row[:8], (row[8], row[9]))) for row in rows]


def spellings(words: str) -> list[str]:
    """How an identifier that somebody typed may stand in the record, in every namespace."""
    written = (normalise(namespace, words) for namespace in ("email", "phone", "card", "user_id"))
    return list(dict.fromkeys([*filter(None, written), words]))


def beginnings(words: str) -> list[str]:
    """What the written form of an identifier may begin with, when only its beginning was typed."""
    found = [words, words.lower()]
    digits = re.sub(r"\D", "", words)
    if len(digits) >= 4 and _PHONE_LIKE.fullmatch(words):
        found.append("+" + digits.removeprefix("00"))
    if digits and (card := normalise("card", words)):
        found.append(card)
    return list(dict.fromkeys(found))


def prefix_query(words: str) -> str:
    """A text search for beginnings of words: "ann mil" finds Anna Miller."""
    parts = re.findall(r"\w+", words.lower())[:8]
    return " & ".join(f"'{part}':*" for part in parts)


def telling(words: str) -> str:
    """The words that choose: one or two letters begin too many names to be looked up."""
    long = [word for word in words.split() if len(word) > 2]
    return " ".join(long) or words


def _like(text: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", text) + "%"


_NUMBER = re.compile(r"#?[0-9]{1,18}")
_PHONE_LIKE = re.compile(r"[+0-9][0-9 ()./\-]*")

# As the index customers_words has it.
_WORDS = "to_tsvector('simple'::regconfig, display_name || ' ' || replace(email, '@', ' '))"

# Three small searches, each on its own index, each bounded; then the customers behind them. There
# are few namespaces: each is looked through by itself, found by stepping from one to the next.
_FIND = f"""
WITH RECURSIVE every_space AS (
  (SELECT namespace FROM identifiers ORDER BY namespace LIMIT 1)
  UNION ALL
  SELECT (SELECT i.namespace FROM identifiers i WHERE i.namespace > e.namespace
          ORDER BY i.namespace LIMIT 1) FROM every_space e WHERE e.namespace IS NOT NULL
), spaces AS MATERIALIZED (
  SELECT namespace FROM every_space
  WHERE namespace IS NOT NULL AND (%(any)s OR namespace = ANY(%(namespaces)s))
), given AS MATERIALIZED (
  SELECT i.customer_id, i.namespace, i.value, 0 AS rank
  FROM spaces CROSS JOIN unnest(%(exact)s::text[]) e(value) JOIN identifiers i
    ON i.namespace = spaces.namespace AND i.value = e.value LIMIT 100
), numbered AS MATERIALIZED (
  SELECT i.customer_id, 'customer' AS namespace, i.id::text AS value, 1 AS rank FROM identifiers i
  WHERE i.id = %(id)s::bigint
), begun AS MATERIALIZED (
  SELECT i.customer_id, i.namespace, i.value, 2 AS rank
  FROM spaces CROSS JOIN unnest(%(starts)s::text[]) s(start)
  CROSS JOIN LATERAL (
    SELECT o.customer_id, o.namespace, o.value FROM identifiers o
    WHERE o.namespace = spaces.namespace
      AND o.value >= s.start AND o.value < (s.start || chr(1114111))
    ORDER BY o.value LIMIT 60
  ) i
), called AS MATERIALIZED (
  SELECT id AS customer_id, '' AS namespace, '' AS value, 3 AS rank FROM customers
  WHERE lower(display_name) COLLATE "C" LIKE %(name)s LIMIT %(candidates)s
), worded AS MATERIALIZED (
  SELECT id AS customer_id, '' AS namespace, '' AS value, 4 AS rank FROM customers
  WHERE %(query)s <> '' AND {_WORDS} @@ %(telling)s::tsquery
    AND ({_WORDS} || ''::tsvector) @@ %(query)s::tsquery
    AND (%(emails)s OR to_tsvector('simple', display_name) @@ %(query)s::tsquery)
  LIMIT %(candidates)s
), best AS (
  SELECT DISTINCT ON (customer_id) * FROM (
    SELECT * FROM given UNION ALL SELECT * FROM numbered UNION ALL SELECT * FROM begun
    UNION ALL SELECT * FROM called UNION ALL SELECT * FROM worded
  ) every ORDER BY customer_id, rank, value
)
SELECT c.id, c.display_name, c.email, c.phone, c.stage, a.last_seen_at, b.namespace, b.value,
       l.namespace, l.value
FROM best b JOIN customers c ON c.id = b.customer_id JOIN identifiers l ON l.id = c.id
LEFT JOIN activity a ON a.customer_id = c.id
WHERE %(everywhere)s OR EXISTS (
  SELECT 1 FROM identifiers i JOIN visits v ON v.subject_id = i.id
  WHERE i.customer_id = b.customer_id AND v.touchpoint_id = ANY(%(only_at)s::int[]))
ORDER BY b.rank, a.last_seen_at DESC NULLS LAST, c.id
LIMIT %(limit)s
"""
