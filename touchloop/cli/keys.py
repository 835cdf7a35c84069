"""`key`: secret keys of programs that ask for decisions."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from touchloop.cli import runtime
from touchloop.cli.output import result, show, table

if TYPE_CHECKING:
    from touchloop.api.keys import Key

app = typer.Typer(no_args_is_help=True, help="Secret keys of programs that ask for decisions.")
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What it is for: Tills, Hotline, App.")],
    scope: Annotated[
        list[str] | None, typer.Option(help="decide or outcomes; both unless said.")
    ] = None,
    days: Annotated[int | None, typer.Option(min=1, max=3_650, help="It ends after these.")] = None,
    as_json: Json = False,
) -> None:
    """Make a secret key and print it; it is not shown again. Never put it into a web page.

    Examples:

        touchloop key add "Tills"

        touchloop key add "Call centre" --scope decide --days 90 --json
    """
    with result(as_json=as_json) as emit, runtime.ready():
        from touchloop.api import keys
        from touchloop.core import clock, db

        now = clock.now()
        with db.connect() as conn:
            key, secret = keys.create(
                conn,
                name,
                now=now,
                scopes=tuple(scope or keys.SCOPES),
                expires_at=now + timedelta(days=days) if days else None,
            )
        emit({"id": key.id, "name": key.name, "key": secret, "scopes": key.scopes,
              "expires_at": key.expires_at})  # fmt: skip
        if not as_json:
            show(f"Key:    {key.name} ({', '.join(key.scopes)})", f"Secret: {secret}")


@app.command("list")
def list_keys(as_json: Json = False) -> None:
    """Show the keys, without their secrets."""
    with result(as_json=as_json) as emit, runtime.ready():
        from touchloop.api import keys
        from touchloop.core import clock, db

        with db.connect() as conn:
            found = keys.listing(conn)
        now = clock.now()
        emit({"keys": [_plain(key, key.alive(now)) for key in found]})
        if not as_json:
            table(
                ["Number", "Name", "Begins with", "For", "Alive", "Last used"],
                [
                    [
                        str(key.id),
                        key.name,
                        key.start,
                        ", ".join(key.scopes),
                        "yes" if key.alive(now) else "no",
                        f"{key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never",
                    ]
                    for key in found
                ],
            )


@app.command()
def revoke(
    number: Annotated[int, typer.Argument(help="Its number, as `key list` shows it.")],
    as_json: Json = False,
) -> None:
    """End a key for good; within two seconds it opens nothing.

    Example:

        touchloop key revoke 3
    """
    with result(as_json=as_json) as emit, runtime.ready():
        from touchloop.api import keys
        from touchloop.core import clock, db

        with db.connect() as conn:
            key = keys.revoke(conn, number, now=clock.now())
        emit(_plain(key, False))
        if not as_json:
            show(f"{key.name} opens nothing any more.")


def _plain(key: Key, alive: bool) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "begins_with": key.start,
        "scopes": key.scopes,
        "alive": alive,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
    }
