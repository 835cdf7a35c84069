"""Product families: department, category, product as the lines say, and as the house wants them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from psycopg.types.json import Jsonb

from touchloop.core.db import Connection
from touchloop.core.errors import Invalid, NotFound
from touchloop.insight.affinity.steps import LEVELS, Level

LONGEST = 200
_ABOVE: dict[str, str] = {"category": "department", "product": "category"}
# department, category, product, baskets, households, amount, lines
Sold = tuple[str | None, str | None, str | None, int, int, float | None, int]


@dataclass(frozen=True, slots=True)
class Family:
    """One family. `name` and `parent` are what counts: the house's word, else the lines'.

    `key` is the lines' own name, by which rules and scores know it. What is not `offered` is
    counted and never recommended. `baskets` and `households` are those of its last counting.
    """

    id: int
    level: Level
    key: str
    parent: str
    name: str
    own_parent: str
    offered: bool
    version: int
    baskets: int
    households: int
    amount: float
    entries: int


@dataclass(frozen=True, slots=True)
class FamilyChange:
    """What somebody made of a family: an empty name or parent is the lines' own."""

    version: int
    new_name: str
    new_parent: str
    offered: bool
    at: datetime
    actor_id: int | None


def learn(conn: Connection, sold: Iterable[Sold]) -> int:
    """Note what was sold; gives how many families there are now. What people said of one stays.

    A category that stands in several departments belongs to that with most of its lines. Coupons
    start as not offered: they are no goods. Commits with the caller.
    """
    found: dict[tuple[str, str], list[float]] = {}
    parents: dict[tuple[str, str], dict[str, int]] = {}
    for department, category, product, baskets, _people, amount, lines in sold:
        names = {"department": department, "category": category, "product": product}
        for level in LEVELS:
            key = names[level]
            if not key:
                continue
            sums = found.setdefault((level, key), [0, 0.0, 0])
            sums[0], sums[1], sums[2] = sums[0] + baskets, sums[1] + (amount or 0), sums[2] + lines
            above = names.get(_ABOVE.get(level, "")) or ""
            of = parents.setdefault((level, key), {})
            of[above] = of.get(above, 0) + lines
    rows = [
        [level, key, max(sorted(parents[level, key]), key=lambda p: parents[level, key][p]),
         int(baskets), round(amount, 2), int(lines), "COUPON" not in key.upper()]
        for (level, key), (baskets, amount, lines) in sorted(found.items())
    ]  # fmt: skip
    conn.execute(_LEARNED, {"rows": Jsonb(rows)})
    return len(rows)


def size(conn: Connection, level: Level, counts: Iterable[tuple[str, int, int]]) -> None:
    """Note (key, baskets, households) of a level, counted without repeats."""
    conn.execute(_SIZED, {"level": level, "rows": Jsonb([list(row) for row in counts])})


def listing(conn: Connection, level: Level | None = None) -> list[Family]:
    """The families of a level, or all, those in most baskets first."""
    return _select(conn, "WHERE %s::text IS NULL OR level = %s", (level, level))


def get(conn: Connection, family_id: int) -> Family:
    """One family; NotFound when there is none."""
    found = _select(conn, "WHERE id = %s", (family_id,))
    if not found:
        raise NotFound(_("There is no such family."))
    return found[0]


def parents(conn: Connection, level: Level) -> dict[str, str]:
    """By key, the department of a category or the category of a product, as the house has it."""
    return {family.key: family.parent for family in listing(conn, level)}


def not_offered(conn: Connection, level: Level) -> frozenset[str]:
    """What of a level is never recommended: itself or what it belongs to is not offered."""
    hidden = {(f.level, f.key) for f in listing(conn) if not f.offered}
    found = set()
    for family in listing(conn, level):
        above = _ABOVE.get(level, "")
        if (level, family.key) in hidden or (above, family.parent) in hidden:
            found.add(family.key)
    return frozenset(found)


def change(
    conn: Connection,
    family_id: int,
    *,
    name: str,
    parent: str,
    offered: bool,
    actor: int | None,
    now: datetime,
) -> Family:
    """Give a family another name or parent, or stop recommending it; each change is a version.

    An empty name or parent is the lines' own. Invalid when the parent is not there.
    """
    before = get(conn, family_id)
    name, parent = name.strip(), parent.strip()
    if len(name) > LONGEST:
        raise Invalid("name", _("a name of at most %d characters is needed") % LONGEST)
    above = _ABOVE.get(before.level)
    if parent and parent != before.own_parent:
        if above is None:
            raise Invalid("parent", _("a department belongs to nothing"))
        row = conn.execute(
            "SELECT 1 FROM affinity_families WHERE level = %s AND key = %s", (above, parent)
        ).fetchone()
        if row is None:
            raise Invalid("parent", _("there is no “%s” that it could belong to") % parent[:100])
    conn.execute(
        _CHANGED,
        {
            "id": family_id, "name": "" if name == before.key else name, "now": now,
            "parent": "" if parent == before.own_parent else parent, "offered": offered,
            "actor": actor,
        },
    )  # fmt: skip
    return get(conn, family_id)


def changes(conn: Connection, family_id: int) -> list[FamilyChange]:
    """What people made of a family, the newest first."""
    rows = conn.execute(
        "SELECT version, new_name, new_parent, offered, at, actor_id FROM affinity_family_versions"
        " WHERE family_id = %s ORDER BY version DESC",
        (family_id,),
    ).fetchall()
    return [FamilyChange(*row) for row in rows]


def _select(conn: Connection, where: str, params: Sequence[object]) -> list[Family]:
    rows = conn.execute((_FAMILIES + where + _ORDER).encode(), params).fetchall()
    return [Family(*row) for row in rows]


_FAMILIES = """
SELECT id, level, key, coalesce(nullif(new_parent, ''), parent),
  coalesce(nullif(new_name, ''), key), parent, offered, version, baskets, households, amount,
  entries
FROM affinity_families """
_ORDER = " ORDER BY baskets DESC, key"

_LEARNED = """
INSERT INTO affinity_families (level, key, parent, new_name, new_parent, offered, version, baskets,
  households, amount, entries)
SELECT r ->> 0, r ->> 1, r ->> 2, '', '', (r ->> 6)::boolean, 0, (r ->> 3)::bigint, 0,
  (r ->> 4)::float8, (r ->> 5)::bigint
FROM jsonb_array_elements(%(rows)s) r
ON CONFLICT (level, key) DO UPDATE SET parent = excluded.parent, baskets = excluded.baskets,
  amount = excluded.amount, entries = excluded.entries
"""

_SIZED = """
UPDATE affinity_families f SET baskets = (r ->> 1)::bigint, households = (r ->> 2)::bigint
FROM jsonb_array_elements(%(rows)s) r WHERE f.level = %(level)s AND f.key = r ->> 0
"""

_CHANGED = """
WITH changed AS (
  UPDATE affinity_families SET new_name = %(name)s, new_parent = %(parent)s, offered = %(offered)s,
    version = version + 1
  WHERE id = %(id)s
    AND (new_name, new_parent, offered) IS DISTINCT FROM (%(name)s, %(parent)s, %(offered)s)
  RETURNING id, version, new_name, new_parent, offered
)
INSERT INTO affinity_family_versions (family_id, version, new_name, new_parent, offered, at,
  actor_id)
SELECT id, version, new_name, new_parent, offered, %(now)s, %(actor)s FROM changed
"""
