"""The parts of a compiled statement: named steps, and small relations of constants."""

from __future__ import annotations

from dataclasses import dataclass

from touchloop.insight.segments.literals import lit


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
