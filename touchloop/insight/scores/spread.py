"""How a score lies over all who have it: for charts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from touchloop.core import arrays
from touchloop.core.db import Connection


@dataclass(frozen=True, slots=True)
class Bin:
    """Scores from `low` (inclusive) to `high`; the last bin includes its end."""

    low: float
    high: float
    n: int
    total: float


def histogram(conn: Connection, name: str, *, edges: Sequence[float]) -> list[Bin]:
    """How many have a score in each bin between ascending edges, and its sum there."""
    found = {
        row[0]: (row[1], row[2])
        for row in conn.execute(_BINS, (arrays.numbers(edges), name)).fetchall()
    }
    last = len(edges) - 1
    bins = []
    for place in range(1, last + 1):
        n, total = found.get(place, (0, 0.0))
        if place == last:  # what lies on the last edge
            more = found.get(last + 1, (0, 0.0))
            n, total = n + more[0], total + more[1]
        bins.append(Bin(edges[place - 1], edges[place], int(n), float(total)))
    return bins


def families(conn: Connection, family: str) -> dict[str, int]:
    """Of the scores named `family:…` how many have each, by what stands behind the colon."""
    rows = conn.execute(_FAMILY, (f"{family}:", f"{family};")).fetchall()
    return {name.partition(":")[2]: int(n) for name, n in rows}


_BINS = """
SELECT width_bucket(value, %s::float8[]), count(*), sum(value)
FROM scores WHERE name = %s GROUP BY 1
"""

# The names lie together in the index: from "family:" to before "family;", the next character.
_FAMILY = "SELECT name, count(*) FROM scores WHERE name >= %s AND name < %s GROUP BY name"
