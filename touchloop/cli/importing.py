"""`import`: customers from a file."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from touchloop.cli import runtime
from touchloop.cli.output import people, result, say, show
from touchloop.core.errors import Invalid

if TYPE_CHECKING:
    from touchloop.collect.importing import ImportReport
    from touchloop.interactions.api import Source


def import_file(
    file: Annotated[Path, typer.Argument(help="A CSV file with a heading line.")],
    column: Annotated[
        list[str] | None,
        typer.Option("--map", help='"HEADING=MEANING"; may be repeated. Without: guessed.'),
    ] = None,
    source: Annotated[
        str, typer.Option(help="The short name of the source it counts for (see source list).")
    ] = "",
    dry_run: Annotated[bool, typer.Option(help="Only tell what would happen.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Import customers from a CSV file; each row finds its customer by its identifiers.

    Rows that cannot be used go to a file beside it, with the reason. Imported again, a file changes
    nothing. A value that the customer gave is never overwritten by an import.

    Examples:

        touchloop import customers.csv --dry-run

        touchloop import customers.csv --map "Mail=email" --map "Card no=card"
    """
    if not file.is_file():
        raise Invalid("file", f"there is no file {file}")
    with result(as_json=as_json) as emit, runtime.ready():
        from touchloop.collect import importing

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=people, transient=True) as bar:
            task = bar.add_task("Reading", total=None)
            report = importing.run(
                file,
                mapping=_mapping(column) if column else None,
                source=_source(source) if source else None,
                dry_run=dry_run,
                progress=lambda what, done, total: bar.update(
                    task, description=what, completed=done, total=total
                ),
            )
        emit(asdict(report))
        if not as_json:
            _print(report)
    if report.errors and not (report.created or report.updated or report.unchanged):
        raise typer.Exit(1)


def _mapping(columns: list[str]) -> dict[str, str]:
    found = {}
    for text in columns:
        heading, sign, meaning = text.rpartition("=")
        if not sign or not heading.strip() or not meaning.strip():
            raise Invalid("--map", f"{text!r} must look like HEADING=MEANING")
        found[heading.strip()] = meaning.strip()
    return found


def _source(slug: str) -> Source:
    from touchloop.interactions import api as interactions

    for source in interactions.every():
        if source.slug == slug:
            return source
    raise Invalid("--source", f"there is none called {slug}; see: touchloop source list")


def _print(report: ImportReport) -> None:
    for heading, meaning in report.mapping.items():
        say(f"  {heading} → {meaning}")
    would = "would be " if report.dry_run else ""
    show(
        f"{report.rows:,} rows: {report.created:,} customers {would}created, "
        f"{report.updated:,} {would}updated, {report.unchanged:,} unchanged, "
        f"{report.duplicates:,} repeated, {report.errors:,} not usable. {report.seconds:.1f} s."
    )
    for problem in report.problems:
        say(f"  row {problem.row}: {problem.reason}")
    if report.error_file:
        show(f"Rows that were not usable, with reasons: {report.error_file}")
