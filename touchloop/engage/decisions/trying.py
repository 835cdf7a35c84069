"""What another policy would have decided: recent decisions made again under other settings.

Facts, offers and propensities are those of the time, so that nothing but the policy differs; the
draw of a decision is in its number, so exploration picks alike on both sides.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from touchloop.core import clock
from touchloop.core.db import Connection
from touchloop.engage.decisions.choosing import Choice, choose
from touchloop.engage.decisions.compiled import Compiled
from touchloop.engage.decisions.facts import Facts
from touchloop.engage.decisions.policy import Settings, changed, policy
from touchloop.engage.decisions.propensity import Model
from touchloop.engage.offers import api as offers

EXAMPLES: Final = 12
MOST: Final = 2_000


@dataclass(frozen=True, slots=True)
class Placed:
    """An offer, and how often it came first."""

    offer_id: int
    name: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Example:
    """A decision that would have gone otherwise; names of offers in their order."""

    id: UUID
    customer_id: int
    at: datetime
    channel: str
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """Of `n` recent decisions `changed` had another answer.

    `worth` is the mean of propensity times value of what came first, before and after: what the
    model expects of a decision, in money.
    """

    n: int
    changed: int
    worth: tuple[float, float]
    offers: tuple[Placed, ...]
    examples: tuple[Example, ...]


def try_policy(conn: Connection, changes: Mapping[str, Any], *, limit: int = 200) -> Trial:
    """The policy that counts now beside one with these changes, on the newest decisions.

    Raises Invalid for settings that cannot be, and writes nothing.
    """
    now = policy(conn)
    other = replace(now, settings=changed(now.settings, changes))
    books: dict[int, tuple[Compiled, Compiled]] = {}
    firsts: tuple[Counter[int], Counter[int]] = Counter(), Counter()
    worth, names, examples, differ = [0.0, 0.0], dict[int, str](), list[Example](), 0
    rows = conn.execute(_NEWEST, (min(limit, MOST),)).fetchall()
    for id, book_id, model_version, inputs, packed, customer_id in rows:
        if book_id not in books:
            book, model = offers.book(conn, book_id), Model(model_version)
            books[book_id] = Compiled(book, now, model), Compiled(book, other, model)
        facts = _FACTS.decode(inputs)
        given = struct.unpack(f"<{len(packed) // 4}f", packed)
        both = [choose(each, facts, given=given, explain=False) for each in books[book_id]]
        for side, choice in enumerate(both):
            if choice.chosen:
                first = choice.chosen[0]
                firsts[side][first.offer_id] += 1
                names[first.offer_id] = first.name
                worth[side] += first.propensity * first.value
        before, after = (_named(choice) for choice in both)
        if before != after:
            differ += 1
            at = clock.from_micros(facts.at)
            examples.append(Example(id, customer_id, at, facts.channel, before, after))
    placed = (Placed(id, name, firsts[0][id], firsts[1][id]) for id, name in names.items())
    n = max(len(rows), 1)
    return Trial(
        len(rows),
        differ,
        (worth[0] / n, worth[1] / n),
        tuple(sorted(placed, key=lambda one: (-max(one.before, one.after), one.name))),
        tuple(examples[:EXAMPLES]),
    )


def plain(settings: Settings) -> dict[str, Any]:
    """Settings as JSON has them, for keeping and comparing."""
    found: dict[str, Any] = msgspec.to_builtins(settings)
    return found


def _named(choice: Choice) -> tuple[str, ...]:
    return tuple(each.name for each in choice.chosen)


_FACTS = msgspec.json.Decoder(Facts)
_NEWEST = """
SELECT d.id, d.book_id, d.model_version, d.inputs, d.propensities, i.customer_id
  FROM decisions d JOIN identifiers i ON i.id = d.subject_id
 ORDER BY d.at DESC, d.id DESC LIMIT %s
"""
