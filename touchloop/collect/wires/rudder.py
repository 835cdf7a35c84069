"""What RudderStack has besides Segment's paths: a pixel for mail and pages, and a beacon."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from touchloop.collect.answers import GIF
from touchloop.collect.connection import Request
from touchloop.collect.parcel import Parcel, Route
from touchloop.collect.wires import segment

_OF_THE_MESSAGE = frozenset({"userId", "anonymousId", "event", "name", "messageId", "timestamp"})


def _pixel(type: str) -> Callable[[Request], Parcel]:
    """A message from the parameters of an address; those it does not know are properties."""

    def read(request: Request) -> Parcel:
        query = request.query
        key = query.pop("writeKey", None)
        message: dict[str, object] = {
            name: value for name, value in query.items() if name in _OF_THE_MESSAGE
        }
        message["properties"] = {
            name.removeprefix("properties."): value
            for name, value in query.items()
            if name not in _OF_THE_MESSAGE
        }
        found = segment.one(type, msgspec.json.encode(message))
        return msgspec.structs.replace(found, key=key)

    return read


def _beacon(request: Request) -> Parcel:
    found = segment.many(request.body)
    return msgspec.structs.replace(found, key=request.query.get("writeKey") or found.key)


ROUTES: dict[str, Route] = {
    **{
        f"/pixel/v1/{type}": Route("rudder", _pixel(type), done=GIF, methods=frozenset({"GET"}))
        for type in ("track", "page")
    },
    "/beacon/v1/batch": Route("rudder", _beacon),
}
