"""`lake`: the history for analysis, made again from the log or packed closer."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from touchloop.cli import runtime
from touchloop.cli.output import result, show

app = typer.Typer(no_args_is_help=True, help="The history for analysis (Delta tables).")
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
def rebuild(as_json: Json = False) -> None:
    """Write the lake anew from the log; readers see the old one until the new one is whole."""
    begun = time.monotonic()
    with result(as_json=as_json) as emit, runtime.ready():
        from touchloop.core import db
        from touchloop.flow import api as flow

        with db.connect(application="touchloop lake rebuild") as link:
            rows = flow.rebuild(link)
        seconds = round(time.monotonic() - begun, 1)
        emit({"interactions": rows, "seconds": seconds})
        if not as_json:
            show(f"{rows:,} interactions are in the lake. {seconds} s.")


@app.command()
def compact(as_json: Json = False) -> None:
    """Merge the lake's files into few sorted ones; workers do it too, a little at a time."""
    with result(as_json=as_json) as emit, runtime.ready():
        from touchloop.core import db
        from touchloop.lake import api as lake

        with db.connect(application="touchloop lake compact") as link:
            done = lake.compact(link, wholly=True)
        emit(
            {
                "merged": [
                    {"table": d.table, "files": d.files, "rows": d.rows, "seconds": d.seconds}
                    for d in done
                ]
            }
        )
        if not as_json:
            for d in done:
                show(f"{d.table}: {d.files} files merged, {d.rows:,} rows, {d.seconds:.1f} s.")
            if not done:
                show("Nothing was worth merging.")
