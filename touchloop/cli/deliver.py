"""`deliver`: campaigns, triggers and the outbox, alone on a machine or beside the workers."""

from __future__ import annotations

from touchloop.cli import runtime
from touchloop.cli.serve import stop_signals


def deliver() -> None:
    """Bring out what is due: campaigns, triggers, messages, until Ctrl-C. `serve` does so too.

    Example, on a machine for deliveries only:

        DATABASE_URL=postgresql://… touchloop deliver
    """
    with runtime.ready(), stop_signals() as stopped:
        from touchloop.flow import api as flow

        flow.deliver(stop=stopped)
