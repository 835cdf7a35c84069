"""`source`: what may send interactions, and with which key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from touchloop.cli import runtime
from touchloop.cli.output import result, show, table
from touchloop.core.errors import Invalid

if TYPE_CHECKING:
    from touchloop.interactions.api import Source

app = typer.Typer(no_args_is_help=True, help="What may send interactions, and with which key.")
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What people call it: Web shop, Till, App.")],
    kind: Annotated[
        str, typer.Option(help="web, mobile, server, till, call_centre or import.")
    ] = "web",
    trusted: Annotated[
        bool, typer.Option(help="It may set reserved traits and consent: a server of your own.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a source and print its write key.

    Examples:

        touchloop source add "Web shop"

        touchloop source add "Tills" --kind till --trusted
    """
    with result(as_json=as_json) as emit, runtime.ready():
        from touchloop.interactions import api as interactions

        source = interactions.create(name, kind=kind, trusted=trusted)
        emit({"source": source.slug, "write_key": source.write_key})
        if not as_json:
            show(f"Source:    {source.name} ({source.slug})", f"Write key: {source.write_key}")


@app.command("list")
def list_sources(as_json: Json = False) -> None:
    """Show the sources and their write keys."""
    with result(as_json=as_json) as emit, runtime.ready():
        from touchloop.interactions import api as interactions

        found = interactions.every()
        emit({"sources": [_plain(source) for source in found]})
        if not as_json:
            table(
                ["Source", "Name", "Kind", "Write key", "Last seen"],
                [
                    [
                        source.slug,
                        source.name,
                        source.kind,
                        source.write_key,
                        f"{source.last_seen_at:%Y-%m-%d %H:%M}" if source.last_seen_at else "never",
                    ]
                    for source in found
                ],
            )


@app.command()
def rotate(
    source: Annotated[str, typer.Argument(help="Its short name, as `source list` shows it.")],
    as_json: Json = False,
) -> None:
    """Give a source a new write key; the old one stops at once.

    Example:

        touchloop source rotate web-shop
    """
    with result(as_json=as_json) as emit, runtime.ready():
        from touchloop.interactions import api as interactions

        found = [row for row in interactions.every() if row.slug == source]
        if not found:
            raise Invalid("source", f"there is none called {source}; see: touchloop source list")
        changed = interactions.rotate_key(found[0].id)
        emit({"source": changed.slug, "write_key": changed.write_key})
        if not as_json:
            show(f"New write key of {changed.name}: {changed.write_key}")


def _plain(source: Source) -> dict[str, object]:
    return {
        "source": source.slug,
        "name": source.name,
        "kind": source.kind,
        "write_key": source.write_key,
        "enabled": source.enabled,
        "last_seen_at": source.last_seen_at,
    }
