"""Who was where: each subject once per place, so that a store finds its customers without the log.

Only places with a location count (a store, a kiosk); the web as a whole is no place.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from touchloop.core import arrays
from touchloop.core.db import Connection


def remember(conn: Connection, visits: Iterable[tuple[int, int]]) -> None:
    """Note (touchpoint, subject) pairs. Idempotent; does not commit."""
    rows = sorted(visits)  # in one order, so that two workers wait for one another at most
    if rows:
        places, subjects = zip(*rows, strict=True)
        conn.execute(
            _REMEMBER, {"places": arrays.numbers(places), "subjects": arrays.numbers(subjects)}
        )


def locations_of(conn: Connection, customer_id: int) -> frozenset[str]:
    """Where the customer has been."""
    rows = conn.execute(_LOCATIONS, {"customer": customer_id}).fetchall()
    return frozenset(row[0] for row in rows)


def known_locations(conn: Connection, *, words: str = "", limit: int = 50) -> list[tuple[str, str]]:
    """Locations with their names, for choosing one."""
    return [
        (row[0], row[1])
        for row in conn.execute(_KNOWN, {"words": f"%{words.lower()}%", "limit": limit}).fetchall()
    ]


def touchpoints_of(conn: Connection, locations: Sequence[str]) -> list[int]:
    """The touchpoints at these locations."""
    rows = conn.execute(
        "SELECT id FROM touchpoints WHERE location = ANY(%s) ORDER BY id", (list(locations),)
    ).fetchall()
    return [row[0] for row in rows]


_REMEMBER = """
INSERT INTO visits (touchpoint_id, subject_id)
SELECT * FROM unnest(%(places)s::int[], %(subjects)s::bigint[])
ON CONFLICT DO NOTHING
"""

_LOCATIONS = """
SELECT DISTINCT t.location
FROM identifiers i JOIN visits v ON v.subject_id = i.id JOIN touchpoints t ON t.id = v.touchpoint_id
WHERE i.customer_id = %(customer)s
"""

_KNOWN = """
SELECT location, min(name) FROM touchpoints
WHERE location <> '' AND (lower(name) LIKE %(words)s OR lower(location) LIKE %(words)s)
GROUP BY location ORDER BY min(name), location LIMIT %(limit)s
"""
