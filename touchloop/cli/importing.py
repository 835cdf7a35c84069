"""`import`: customers and interactions from a file, through the same way as live traffic."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from touchloop.cli import runtime
from touchloop.cli.output import result, show


def import_file(
    file: Annotated[Path, typer.Argument(help="A CSV file with a heading line.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Import a file. Imported again, it changes nothing: each row counts once."""
    with result(as_json=as_json) as emit, runtime.ready():
        from touchloop.collect import importing

        done = importing.run(file)
        emit({"rows": done.rows})
        if not as_json:
            show(f"{done.rows:,} rows.")
