"""`replay`: rows of the log through the steps once more."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from touchloop.cli import runtime
from touchloop.cli.output import people, result, show
from touchloop.core.errors import Invalid

if TYPE_CHECKING:
    from touchloop.flow.api import Replayed


def replay(
    first: Annotated[int, typer.Option("--from", help="The first row of the log.")] = 0,
    last: Annotated[
        int | None, typer.Option("--to", help="The last row; without it, up to the newest.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Take rows of the log through the steps once more, from any row.

    For a record that is in doubt, or after a version that reads messages better. Activity, traits,
    visits, stages and segments follow from the log again; the log and the consent ledgers stay as
    they are, and nobody is contacted about what is past. Workers may run meanwhile; to
    begin again does no harm. The number of a row stands in its address on the Live page.

    Examples:

        touchloop replay

        touchloop replay --from 57671680
    """
    if first < 0:
        raise Invalid("--from", "must not be negative")
    if last is not None and last < first:
        raise Invalid("--to", "must not be before --from")
    begun = time.monotonic()
    with result(as_json=as_json) as emit, runtime.ready():
        done = _replay({"first": first} | ({} if last is None else {"last": last}))
        seconds = round(time.monotonic() - begun, 1)
        emit(asdict(done) | {"seconds": seconds})
        if not as_json:
            _print(done, seconds)


def _replay(rows: dict[str, int]) -> Replayed:
    from touchloop.flow import api as flow

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=people, transient=True) as bar:
        task = bar.add_task("Rows", total=None)
        return flow.replay(
            **rows, told=lambda done, total: bar.update(task, completed=done.rows, total=total)
        )


def _print(done: Replayed, seconds: float) -> None:
    show(
        f"{done.rows:,} rows of {done.customers:,} customers replayed in {seconds} s; segments "
        f"entered that the record did not know of: {done.entered:,}, left: {done.left:,}."
    )
    if done.unreadable:
        show(f"{done.unreadable:,} rows were passed over: today's contract would refuse them.")
