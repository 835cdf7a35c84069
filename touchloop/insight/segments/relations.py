"""The parts of a compiled statement: named steps, and small relations of constants."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from touchloop.insight.segments.literals import lit

_ARROW = {
    "BIGINT": pa.int64(), "DOUBLE": pa.float64(), "VARCHAR": pa.string(), "BOOLEAN": pa.bool_(),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """A named query that reads relations and the steps before it."""

    name: str
    sql: str


@dataclass(frozen=True, slots=True)
class Relation:
    """Constants as rows. In a statement by themselves, or bound where the caller can bind."""

    name: str
    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[object, ...], ...]

    def as_step(self) -> Step:
        typed = ", ".join(f"CAST({name} AS {kind}) AS {name}" for name, kind in self.columns)
        names = ", ".join(name for name, _ in self.columns)
        values = ",\n    ".join(f"({', '.join(map(lit, row))})" for row in self.rows)  # type: ignore[arg-type]
        return Step(self.name, f"SELECT {typed}\n  FROM (VALUES\n    {values}) AS v({names})")

    def as_table(self) -> pa.Table:
        fields = [pa.field(name, _ARROW[kind]) for name, kind in self.columns]
        arrays = [
            pa.array([row[i] for row in self.rows], field.type) for i, field in enumerate(fields)
        ]
        return pa.Table.from_arrays(arrays, schema=pa.schema(fields))
