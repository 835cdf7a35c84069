"""`bench`: how fast this machine is, each number beside a baseline of the same run."""

from __future__ import annotations

import importlib
import inspect
from typing import Annotated, Any

import typer

from touchloop.cli.output import result, table
from touchloop.core import settings
from touchloop.core.errors import TouchloopError, WrongSetting

NAMES = (
    "collect",
    "flow",
    "latency",
    "segment",
    "page",
    "import",
    "decide",
    "campaign",
    "basket",
    "clv",
    "match",
)
MODULES = {"import": "importing"}  # `import` is a word of the language


def bench(
    name: Annotated[str, typer.Argument(help=f"One of: {', '.join(NAMES)}.")],
    customers: Annotated[
        int | None, typer.Option(min=1, help="How many customers to make.")
    ] = None,
    interactions: Annotated[
        int | None, typer.Option(min=1, help="How many interactions to make.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0.1, help="How long a measurement lasts.")
    ] = None,
    engine: Annotated[
        str | None, typer.Option(help="For segment: duckdb or spark; else TOUCHLOOP_ENGINE.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure one job on data of its own, in a folder of its own; your data is not touched.

    Examples:

        touchloop bench collect

        touchloop bench segment --customers 100000 --interactions 10000000 --json

        touchloop bench segment --engine spark --json
    """
    settings.check()
    given = {
        "customers": customers, "interactions": interactions, "seconds": seconds, "engine": engine,
    }  # fmt: skip
    with result(as_json=as_json) as emit:
        found = _run(name, {key: value for key, value in given.items() if value is not None})
        emit({"bench": name, "results": found})
        if not as_json:
            table(
                ["Result", "Value", "Unit", "Target", "Baseline", ""],
                [_row(key, line) for key, line in found.items()],
            )


def _run(name: str, options: dict[str, Any]) -> dict[str, dict[str, Any]]:
    if name not in NAMES:
        raise WrongSetting(f"bench: {name} is none of {', '.join(NAMES)}")
    run = importlib.import_module(f"touchloop.bench.{MODULES.get(name, name)}").run
    known = inspect.signature(run).parameters
    for option in options:
        if option not in known:
            raise WrongSetting(f"--{option}: the bench {name} does not take it")
    found: dict[str, dict[str, Any]] = run(**options)
    if not found:
        raise TouchloopError(f"the bench {name} measured nothing")
    return found


def _row(key: str, line: dict[str, Any]) -> list[str]:
    return [
        key,
        _figure(line["value"]),
        str(line["unit"]),
        _figure(line.get("target")),
        _figure(line.get("baseline")),
        str(line.get("baseline_name") or ""),
    ]


def _figure(value: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.2f}"
    return "" if value is None else str(value)
