"""`learn`: models are trained when they are due, alone on a machine or beside the workers."""

from __future__ import annotations

import contextlib
import os
from typing import Annotated, Any

import typer

from touchloop.cli import runtime
from touchloop.cli.output import result, table
from touchloop.cli.serve import Json, stop_signals
from touchloop.core.errors import TouchloopError

NICE = 15
MEMORY_MB, THREADS = 1_024, 1


def learn(
    once: Annotated[bool, typer.Option("--once", help="Run what is due, and end.")] = False,
    kind: Annotated[
        list[str] | None,
        typer.Option(help="With --once: this model, whether it is due or not; may be repeated."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Learn what is due from the lake, until Ctrl-C: models, and the scores they give. `serve`
    does so too.

    It works at a low priority and with little memory (LAKE_MEMORY_MB, 1,024 here by default;
    LAKE_THREADS, 1 here by default).

    Examples:

        touchloop learn

        touchloop learn --once --kind clv --json
    """
    if (kind or as_json) and not once:
        raise TouchloopError("--kind and --json go with --once")
    os.environ.setdefault("LAKE_MEMORY_MB", str(MEMORY_MB))
    os.environ.setdefault("LAKE_THREADS", str(THREADS))
    with contextlib.suppress(OSError):  # not allowed here: then at the usual priority
        os.nice(NICE)
    with result(as_json=as_json) as emit, runtime.ready(), stop_signals() as stopped:
        from touchloop.flow import api as flow

        if not once:
            flow.learn(stop=stopped)
            return
        runs = flow.learn_once(kind or (), stop=stopped)
        emit({"runs": [_plain(run) for run in runs]})
        if not as_json:
            table(
                ["Model", "Outcome", "Words"],
                [[run.kind, run.outcome, run.error] for run in runs],
            )
        failed = [run.kind for run in runs if run.outcome == "failed"]
        if failed:
            raise TouchloopError(f"not learned: {', '.join(failed)}")


def _plain(run: Any) -> dict[str, Any]:
    seconds = (run.finished_at - run.started_at).total_seconds() if run.finished_at else None
    return {"kind": run.kind, "outcome": run.outcome, "error": run.error, "seconds": seconds}
