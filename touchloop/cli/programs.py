"""`api`: the door for programs that ask for decisions, alone on a machine or beside the console."""

from __future__ import annotations

from typing import Annotated

import typer

from touchloop.cli import runtime
from touchloop.cli.serve import refuse_taken_port


def api(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where it answers.")] = 8002,
    host: Annotated[
        str, typer.Option(help="The address to listen on; 0.0.0.0 is every network.")
    ] = "127.0.0.1",
    processes: Annotated[int, typer.Option(min=1, max=64, help="How many share the port.")] = 2,
) -> None:
    """Serve /v1/decide, /v1/prompts and what became of them alone, for tills in numbers.

    The console answers the same; this door answers several times as many.

    Example, on a machine for decisions only:

        DATABASE_URL=postgresql://… touchloop api --host 0.0.0.0
    """
    refuse_taken_port(host, port)
    with runtime.ready():
        from touchloop.api import server

        server.serve(host=host, port=port, workers=processes)
