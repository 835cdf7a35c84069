"""Jitsu's ingest paths. Its messages have Segment's shape; the key is in the header X-Write-Key.

Jitsu's libraries want a key of the form `key:secret`: anything may stand after the colon.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from touchloop.collect.answers import Answer, refuse
from touchloop.collect.connection import Request
from touchloop.collect.parcel import Parcel, Route
from touchloop.collect.wires import segment
from touchloop.collect.wires.foreign import opened
from touchloop.interactions.api import TYPES


def _reader(type: str | None) -> Callable[[Request], Parcel]:
    def read(request: Request) -> Parcel:
        found = _typed(request) if type is None else segment.one(type, request.body)
        return _with_key(found, request)

    return read


def _many(request: Request) -> Parcel:
    return _with_key(segment.many(request.body), request)


def _typed(request: Request) -> Parcel:
    """`/api/s/event`: the message says its own type, another name than the six is a track's."""
    message = opened(request.body)
    if not isinstance(message, dict):
        raise refuse(400, "bad_json", "a message is an object")
    type = message.get("type")
    if isinstance(type, str) and type in TYPES:
        return segment.one(type, request.body)
    if isinstance(type, str) and not message.get("event"):
        message["event"] = type
    return segment.one("track", msgspec.json.encode(message))


def _with_key(found: Parcel, request: Request) -> Parcel:
    key = request.headers.get("x-write-key") or request.query.get("writekey")
    return msgspec.structs.replace(found, key=key) if key else found


_DONE = Answer(200, b'{"ok":true}')
_READERS = {
    **{type: _reader(type) for type in TYPES},
    "event": _reader(None),
    "batch": _many,
}
ROUTES: dict[str, Route] = {
    f"/api/s/{way}{name}": Route("jitsu", read, done=_DONE)
    for name, read in _READERS.items()
    for way in ("", "s2s/")
}
