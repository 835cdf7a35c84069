"""Analytical SQL: named steps, small relations of constants, and whole analyses."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from touchloop.lake.literals import lit

_PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Step:
    """A named query that reads relations and the steps before it."""

    name: str
    sql: str


@dataclass(frozen=True, slots=True)
class Relation:
    """Constants as rows."""

    name: str
    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[object, ...], ...]

    def as_step(self) -> Step:
        typed = ", ".join(f"CAST({name} AS {kind}) AS {name}" for name, kind in self.columns)
        names = ", ".join(name for name, _ in self.columns)
        values = ",\n    ".join(f"({', '.join(map(lit, row))})" for row in self.rows)  # type: ignore[arg-type]
        return Step(self.name, f"SELECT {typed}\n  FROM (VALUES\n    {values}) AS v({names})")


@dataclass(frozen=True, slots=True)
class Analysis:
    """Named steps and what is read of them: one statement that every engine answers alike.

    `{word}` in a step or in `select` is a value of `sql()`; lake relations are `interactions`,
    `lines`, `customers`, `members`, `scores`, and whatever was bound to the engine.
    """

    name: str
    steps: tuple[Step, ...]
    select: str

    def sql(self, **values: object) -> str:
        """The statement with the values in it as literals (`lit`)."""
        return statement(self.steps, select=self.select, **values)


def statement(steps: Iterable[Step], *, select: str, **values: object) -> str:
    """Steps as one WITH, with the values as literals in the place of `{their name}`."""
    literal = {name: lit(value) for name, value in values.items()}  # type: ignore[arg-type]
    listed = ",\n".join(f"{step.name} AS (\n  {step.sql}\n)" for step in steps)
    written = f"WITH {listed}\n{select}" if listed else select
    # In one pass: what stands in a value is never taken for the place of another.
    return _PLACE.sub(lambda place: literal.get(place[1], place[0]), written)
