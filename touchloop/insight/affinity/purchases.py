"""Purchases as learners read them: by household, item and week, some households at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchloop.insight.affinity import steps
from touchloop.insight.affinity.recipe import Flags, History
from touchloop.insight.affinity.steps import Level
from touchloop.lake.api import Engine

MOST_ITEMS = 400
PEOPLE = 5_000  # households that are held at once


@dataclass(frozen=True, slots=True)
class Shelf:
    """The items of a level that are ranked: those most households bought, by name."""

    level: Level
    items: tuple[str, ...]
    groups: NDArray[np.int64]
    offered: Flags
    people: int

    @property
    def parts(self) -> int:
        """In how many parts the households are read."""
        return max(1, -(-self.people // PEOPLE))


def shelf(
    engine: Engine, level: Level, values: Mapping[str, object], *, parent: Mapping[str, str],
    refused: frozenset[str],
) -> Shelf:  # fmt: skip
    """What is ranked of a level; `refused` is known of households and never recommended."""
    rows = engine.rows(steps.sold(level).sql(**values))
    most = sorted(rows, key=lambda row: (-row[2], row[0]))[:MOST_ITEMS]
    items = tuple(sorted(row[0] for row in most))
    names = [parent.get(item, "") for item in items]
    place = {name: n for n, name in enumerate(sorted(set(names)))}
    people = engine.rows(steps.buyers().sql(**values))[0][0]
    return Shelf(
        level,
        items,
        np.array([place[name] for name in names], np.int64),
        np.array([item not in refused for item in items], bool),
        int(people),
    )


def read(engine: Engine, on: Shelf, values: Mapping[str, object], *, part: int) -> History:
    """The purchases of one part of the households."""
    found: dict[str, Any] = engine.query(
        steps.purchases(on.level).sql(**values, parts=on.parts, part=part)
    ).to_pydict()
    place = {item: n for n, item in enumerate(on.items)}
    item = np.array([place.get(name, -1) for name in found["item"]], np.int64)
    keep = item >= 0
    people, row = np.unique(
        np.array(found["customer_id"], np.int64)[keep], return_inverse=True
    )  # fmt: skip
    return History(
        people,
        on.items,
        on.groups,
        row.astype(np.int64),
        item[keep],
        np.array(found["age"], np.int64)[keep],
        np.array(found["n"], np.int64)[keep],
    )
