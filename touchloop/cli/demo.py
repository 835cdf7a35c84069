"""`demo`: a real retailer's year, to look around in."""

from __future__ import annotations

from typing import Annotated

import typer


def demo(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Load a real retailer's year and serve it."""
    from touchloop.demo import load

    load.run()
