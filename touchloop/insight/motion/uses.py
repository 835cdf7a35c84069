"""Who uses what: written by the rooms that use it, kept with the moment of the last use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, LiteralString

from touchloop.core import arrays
from touchloop.core.db import Connection

What = Literal[
    "segment", "score", "decision", "trigger", "campaign", "message", "survey", "report", "consent",
    "event", "trait",
]  # fmt: skip
ItemKind = Literal["source", "event", "property", "trait"]
Item = tuple[ItemKind, str]

FORGOTTEN = timedelta(days=400)
_VALUE = {"revenue", "total", "value"}  # whichever of them an event carries
_LINES = ("amount", "quantity", "product_id", "category", "department", "brand", "product")


@dataclass(frozen=True, slots=True)
class Use:
    """One use of one captured thing: `kind` and `name` say of what (`property_of` for properties),
    `what` for what sort of thing, `where` which one; `route` and `arg` are its page in the console.
    """

    kind: ItemKind
    name: str
    what: What
    where: str
    route: str
    arg: str
    last_used: datetime


def property_of(event: str, path: str) -> str:
    """The name of a property: of its first step only, as the catalogue knows it."""
    return f"{event}.{path.split('.', 1)[0].split('[', 1)[0]}"


def of_rule(rule: Any) -> set[Item]:
    """What a segment's rule (its JSON) reads of what is captured.

    Scores and other segments are no captured things: they tell their own uses.
    """
    found: set[Item] = set()
    _walk(rule, found)
    return found


def of_origin(origin: str) -> Item | None:
    """The captured thing behind a feature's origin: "trait income", "Order Completed.total"."""
    word, _, rest = origin.partition(" ")
    if word in ("score", "segment"):
        return None
    if word == "trait" and rest:
        return ("trait", rest)
    event, _, path = origin.partition(".")
    if path:
        return ("property", property_of(event, path))
    return ("event", event) if event else None


def of_template(*texts: str) -> set[Item]:
    """The traits that a message's placeholders name (`{{ customer.first_name }}`)."""
    return {("trait", name) for text in texts for name in _PLACEHOLDER.findall(text)}


def keep(conn: Connection, uses: Iterable[Use], *, now: datetime) -> None:
    """Note uses: a known one is younger now, and what nobody told for long is forgotten.

    A use that ended is not taken away: it keeps its last moment. Commits with the caller.
    """
    rows = list(
        {(u.kind, u.name, u.what, u.route, u.arg, u.where): u for u in uses if u.name}.values()
    )
    conn.execute(
        _KEEP,
        (
            arrays.texts(u.kind for u in rows),
            arrays.texts(u.name for u in rows),
            arrays.texts(u.what for u in rows),
            arrays.texts(u.where for u in rows),
            arrays.texts(u.route for u in rows),
            arrays.texts(u.arg for u in rows),
            arrays.instants(u.last_used for u in rows),
        ),
    )
    conn.execute("DELETE FROM motion_uses WHERE last_used_at < %s", (now - FORGOTTEN,))


def _walk(part: Any, found: set[Item]) -> None:
    if isinstance(part, list):
        for each in part:
            _walk(each, found)
        return
    if not isinstance(part, Mapping):
        return
    trait = part.get("trait")
    if isinstance(trait, Mapping) and isinstance(trait.get("name"), str):
        found.add(("trait", trait["name"]))
        return
    for event in part.get("events") or ():
        if isinstance(event, str):
            found.add(("event", event))
            found |= {("property", property_of(event, path)) for path in _paths(part)}
    for name, each in part.items():
        if name not in ("events", "where", "lines"):
            _walk(each, found)


def _paths(body: Mapping[str, Any]) -> set[str]:
    """The properties that a question about events reads; products stand in `products`."""
    paths = {each["path"] for each in body.get("where") or () if isinstance(each, Mapping)}
    if body.get("path"):
        paths.add(body["path"])
    if body.get("lines") or body.get("of") in _LINES:
        paths.add("products")
    if body.get("of") == "value":
        paths |= _VALUE
    return {path for path in paths if isinstance(path, str)}


_PLACEHOLDER = re.compile(r"customer\.([A-Za-z_][A-Za-z0-9_]*)")

_KEEP: LiteralString = """
INSERT INTO motion_uses (kind, name, what, place, route, arg, last_used_at)
SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
                     %s::timestamptz[])
ON CONFLICT (kind, name, what, route, arg, place) DO UPDATE
  SET last_used_at = greatest(motion_uses.last_used_at, excluded.last_used_at)
"""
