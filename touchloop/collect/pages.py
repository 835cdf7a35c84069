"""What the door answers besides taking messages: its health, who it is, settings for browsers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from touchloop.collect import startup
from touchloop.collect.answers import Answer, refuse
from touchloop.collect.connection import Request

if TYPE_CHECKING:
    from touchloop.collect.door import Door

_ROOT = b"""Touchloop: the tracking door.

Send messages in Segment's format to /v1/track, /v1/identify, /v1/page, /v1/screen, /v1/group,
/v1/alias or /v1/batch, with the write key of your source as the user name of Basic authentication.
The state of the door is at /health.
"""


async def answer(door: Door, request: Request, *, known: bool) -> Answer:
    """Raises Refused: 405 for another method than a page has, 404 for an unknown path."""
    settings = startup.page(request.path)
    page = request.path in ("/", "/health") or settings is not None
    if known or (page and request.method not in ("GET", "HEAD")):
        raise refuse(405, "method_not_allowed", f"{request.method} is not for this path")
    if request.path == "/":
        return Answer(200, _ROOT, "text/plain; charset=utf-8")
    if request.path == "/health":
        return _health(door)
    if settings is not None:
        return await settings(door, request)
    raise refuse(404, "not_found", "no such path")


def _health(door: Door) -> Answer:
    """200 when a message would be taken now; else 503, and why."""
    writer = door.writer
    ready = writer.up and door.keys.known and not writer.complaint
    state = {
        "status": "ready" if ready else "unavailable",
        "database": "up" if writer.up else "down",
        "complaint": writer.complaint.strip().partition("\n")[0],
        "waiting_messages": writer.messages,
        "waiting_bytes": writer.bytes,
    }
    return Answer(200 if ready else 503, msgspec.json.encode(state))
