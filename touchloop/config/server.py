"""Runs the web application under Granian."""

from __future__ import annotations

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server

from touchloop.core import settings


def serve(*, host: str, port: int) -> None:
    """Until SIGINT or SIGTERM. One process with threads: pages wait for the database mostly."""
    Server(
        "touchloop.config.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=settings.number("TOUCHLOOP_WEB_PROCESSES", 1, least=1, most=64),
        blocking_threads=settings.number("TOUCHLOOP_WEB_THREADS", 8, least=1, most=256),
        websockets=False,
        log_level=LogLevels.error,
        respawn_failed_workers=True,
        workers_kill_timeout=10,
    ).serve()
