"""What an import did, or would do."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a row was not imported. `row` counts data rows from 1."""

    row: int
    reason: str


@dataclass(slots=True)
class ImportReport:
    """The figures of one import. rows = created + updated + unchanged + duplicates + errors.

    `intricate` rows needed the full rules of identity, one by one: they share an identifier with
    another row, touch several customers, or add an identifier to a known customer. They are counted
    in the other figures too.
    """

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    duplicates: int = 0
    errors: int = 0
    intricate: int = 0
    dry_run: bool = False
    mapping: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)  # the first ones
    error_file: Path | None = None
    seconds: float = 0.0

    def counts(self) -> dict[str, int]:
        """The figures, as they are stored with the run."""
        names = ("rows", "created", "updated", "unchanged", "duplicates", "errors", "intricate")
        return {name: asdict(self)[name] for name in names}
