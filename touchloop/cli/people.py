"""`user`: who may sign in to the console."""

from __future__ import annotations

import getpass
import sys
from typing import Annotated

import typer

from touchloop.cli import runtime
from touchloop.cli.output import result, show, table
from touchloop.core.errors import Invalid

app = typer.Typer(no_args_is_help=True, help="Who may sign in to the console.")
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
def add(
    email: Annotated[str, typer.Argument(help="The address to sign in with.")],
    role: Annotated[
        str, typer.Option(help="admin, marketer, service, analyst or store_manager.")
    ] = "admin",
    name: Annotated[str, typer.Option(help="How to call this person.")] = "",
    location: Annotated[
        list[str] | None, typer.Option(help="A store's region or location; may be repeated.")
    ] = None,
    ask: Annotated[bool, typer.Option(help="Ask for the password; else one is made.")] = False,
    as_json: Json = False,
) -> None:
    """Let somebody sign in; prints the password that was made.

    Examples:

        touchloop user add ana@example.com

        touchloop user add bo@example.com --role store_manager --location store-330
    """
    with result(as_json=as_json) as emit, runtime.ready():
        from touchloop.core.accounts import api as accounts

        person, password = accounts.create_user(
            email, role, _asked() if ask else None, name=name, locations=location or []
        )
        emit({"email": person.email, "role": person.role, "password": password})
        if not as_json:
            show(f"{person.email} may sign in as {person.role}.")
            if not ask:
                show(f"Password: {password}")


@app.command("list")
def list_people(as_json: Json = False) -> None:
    """Show who may sign in."""
    with result(as_json=as_json) as emit, runtime.ready():
        from touchloop.core.accounts import api as accounts

        found = accounts.people()
        emit(
            {
                "users": [
                    {"email": p.email, "name": p.name, "role": p.role, "active": p.is_active}
                    for p in found
                ]
            }
        )
        if not as_json:
            table(
                ["E-mail", "Name", "Role", "May sign in"],
                [[p.email, p.name, p.role, "yes" if p.is_active else "no"] for p in found],
            )


@app.command()
def password(
    email: Annotated[str, typer.Argument(help="Whose password.")], as_json: Json = False
) -> None:
    """Give somebody a new password; every open sign-in of theirs ends.

    Example:

        touchloop user password ana@example.com
    """
    with result(as_json=as_json) as emit, runtime.ready():
        from touchloop.core.accounts import api as accounts

        found = [p for p in accounts.people() if p.email == email.strip().lower()]
        if not found:
            raise Invalid("email", f"nobody signs in as {email}")
        made = accounts.reset_password(found[0].id, actor=None)
        emit({"email": found[0].email, "password": made})
        if not as_json:
            show(f"New password of {found[0].email}: {made}")


def _asked() -> str:
    """Typed twice at a terminal; read once from a pipe."""
    if not sys.stdin.isatty():
        given = sys.stdin.readline().rstrip("\n")
    else:
        given = getpass.getpass("Password: ")
        if given != getpass.getpass("Once more: "):
            raise Invalid("password", "the two differ")
    if len(given) < 10:
        raise Invalid("password", "use at least 10 characters")
    return given
