"""`doctor`: is everything well? Each check says so in one line, with its figures."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from touchloop.cli import runtime
from touchloop.cli.output import answers, result
from touchloop.core import db

if TYPE_CHECKING:
    from touchloop.cli.checks import Check


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check settings, database, door, workers, inbox, lake, disk; close the sum of all messages.

    Exit code 0 when all is well, 1 when a check failed.

    Examples:

        touchloop doctor

        touchloop doctor --json | jq .events
    """
    with result(as_json=as_json) as emit, runtime.ready(migrate=False):
        from touchloop.cli import checks  # the rooms it asks need Django, which is up only now

        with db.connect(application="touchloop doctor") as link:
            found, events = checks.run(link)
        well = all(check.ok for check in found)
        emit({"ok": well, "events": events, "checks": [asdict(check) for check in found]})
        if not as_json:
            _print(found, well=well)
    raise typer.Exit(0 if well else 1)


def _print(found: list[Check], *, well: bool) -> None:
    width = max(len(check.name) for check in found)
    for check in found:
        mark = "[green]✓[/]" if check.ok else "[red]✗[/]"
        answers.print(mark, f"{check.name:{width}}", "", end="")
        answers.print(check.detail, markup=False, soft_wrap=True)
    answers.print("[green]All is well.[/]" if well else "[red]Something is wrong.[/]")
