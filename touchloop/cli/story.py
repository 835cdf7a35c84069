"""`story`: one household's way round the circle, so that anyone can follow it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.tree import Tree

from touchloop.cli import runtime
from touchloop.cli.output import answers, result

if TYPE_CHECKING:
    from touchloop.cli.circle import Circle, Entry

STATIONS = {
    "captured": "Captured: what happened",
    "understood": "Understood: segments entered and left",
    "engaged": "Engaged: triggers on the way",
    "decided": "Decided: offers, and why",
    "delivered": "Delivered: messages and what became of them",
    "measured": "Measured: asked, answered, noticed",
    "acted": "Acted: cases",
    "changed": "Changed: what was different afterwards",
}


def story(
    household: Annotated[
        str, typer.Argument(help="Any identifier: e-mail, card, user id, a number, a name.")
    ],
    last: Annotated[
        int, typer.Option(min=1, max=100_000, help="How many of its interactions to show.")
    ] = 40,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print one household's way round the circle as the record holds it.

    Examples:

        touchloop story household-1204

        touchloop story anna@example.com --last 200 --json
    """
    with result(as_json=as_json) as emit, runtime.ready():
        from touchloop.cli import circle
        from touchloop.core import db

        with db.connect(application="touchloop story") as conn:
            customer_id = circle.customer_named(conn, household)
            found = circle.circle(conn, customer_id, last=last)
            now = circle.members_now(conn, found.customer_id)
        emit(asdict(found) | {"segments_now": now})
        if not as_json:
            answers.print(tree(found, now))


def tree(found: Circle, segments_now: list[str]) -> Tree:
    """The circle for people: a branch for each station, entries from the oldest to the newest."""
    root = Tree(f"[bold]{escape(found.name or 'Customer')}[/bold]  #{found.customer_id}")
    known = root.add("[bold]Known[/bold]")
    for identifier in found.identifiers:
        known.add(escape(identifier))
    known.add(
        escape(
            f"{found.stage}; {found.orders:,} orders worth {found.spend:,.2f};"
            f" {found.interactions:,} interactions; {len(found.facts)} facts"
        )
    )
    known.add(escape("in segments: " + (", ".join(segments_now) or "none")))
    for name, title in STATIONS.items():
        entries = found.stations[name]
        branch = root.add(f"[bold]{title}[/bold]  ({len(entries)})")
        if name == "captured" and found.before:
            branch.add(f"[dim]… {found.before:,} more before[/dim]")
        for entry in entries:
            _add(branch, entry)
    return root


def _add(branch: Tree, entry: Entry) -> None:
    leaf = branch.add(f"[dim]{entry.at:%Y-%m-%d %H:%M}[/dim]  {escape(entry.what)}")
    for line in entry.told:
        leaf.add(escape(line))
