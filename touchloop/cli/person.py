"""`person`: everything that is held about one customer, and its erasure."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from touchloop.cli import runtime
from touchloop.cli.output import result, say, show
from touchloop.core import clock, db
from touchloop.core.errors import Invalid

app = typer.Typer(no_args_is_help=True, help="The rights of one customer: access and erasure.")
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Who = Annotated[str, typer.Argument(help="An e-mail, card, user id, or the customer's number.")]


@app.command()
def export(
    who: Who,
    file: Annotated[
        Path | None, typer.Option(help="Where to; a file that only you can read.")
    ] = None,
) -> None:
    """Print everything that is held about one customer as JSON, table by table.

    Examples:

        touchloop person export ana@example.com --file ana.json
    """
    with result(as_json=True) as emit, runtime.ready():
        from touchloop.cli import circle
        from touchloop.privacy import api as privacy

        with db.connect(application="touchloop person") as conn:
            customer = circle.customer_named(conn, who)
            held = privacy.export(conn, customer)
        found = {"customer": customer, "at": clock.now().isoformat(), "held": held}
        if file is None:
            emit(found)
            return
        _write(file, json.dumps(found, default=str, indent=1))
        rows = sum(len(of) for of in held.values())
        emit({"customer": customer, "rows": rows, "file": str(file)})


@app.command()
def erase(
    who: Who,
    yes: Annotated[bool, typer.Option("--yes", help="Really: nothing brings it back.")] = False,
    as_json: Json = False,
) -> None:
    """Erase one customer from every table and from the lake. What they refused stays refused.

    That somebody was erased is kept in the data folder as an HMAC of their identifiers, so that a
    restored older backup does not bring them back.

    Example:

        touchloop person erase ana@example.com --yes
    """
    with result(as_json=as_json) as emit, runtime.ready():
        from touchloop.cli import circle
        from touchloop.privacy import api as privacy

        with db.connect(application="touchloop person") as conn:
            customer = circle.customer_named(conn, who)
            if not yes:
                rows = sum(len(of) for of in privacy.export(conn, customer).values())
                raise Invalid(
                    "--yes", f"customer {customer} ({rows:,} rows) would be gone for good: say it"
                )
            conn.rollback()
            removed = {table: n for table, n in privacy.erase(conn, customer).items() if n}
        emit({"customer": customer, "removed": removed})
        if not as_json:
            show(f"Customer {customer} is erased: {sum(removed.values()):,} rows.")
            say("Backups made before still hold them; restored here, they are erased again.")


def _write(file: Path, text: str) -> None:
    try:
        descriptor = os.open(file.expanduser(), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise Invalid("--file", f"{file}: {error.strerror}") from error
    with os.fdopen(descriptor, "w") as goal:
        goal.write(text)
