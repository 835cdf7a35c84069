"""Segment's own paths, with the short forms that browsers use.

Single messages are judged here and refused with 400; in a batch one bad item never costs the
others, so a batch is only opened far enough to count its items and give ids to those without.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from touchloop.collect.answers import Refused, refuse
from touchloop.collect.bodies import mend
from touchloop.collect.connection import Request
from touchloop.collect.parcel import Parcel, Route, message_id
from touchloop.interactions.api import TYPES, Rejected, check


def single(type: str) -> Callable[[Request], Parcel]:
    """The reader of a path that takes one message of this type."""

    def read(request: Request) -> Parcel:
        return one(type, request.body)

    return read


def one(type: str, body: bytes) -> Parcel:
    """A parcel of one message. Raises Refused with the reason for one that cannot be used."""
    found = check(body, type)
    if isinstance(found, Rejected):
        body = _mended(body, found)
        found = check(body, type)
        if isinstance(found, Rejected):
            raise _refused(found)
    return Parcel(type, body, _ITS_OWN if found.messageId else [message_id()], 1, found.writeKey)


def batch(request: Request) -> Parcel:
    """A parcel of a batch. Raises Refused for a body that is no batch at all."""
    return many(request.body)


def many(body: bytes) -> Parcel:
    try:
        opened = _batches.decode(body)
    except msgspec.ValidationError:
        return _loosely(body)
    except RecursionError:
        raise refuse(400, "too_deep", "nested too deeply") from None
    except msgspec.DecodeError as error:
        mended = mend(body)
        if mended != body:
            return many(mended)
        raise refuse(400, "bad_json", f"invalid json: {error}") from None
    ids = ["" if item.messageId else message_id() for item in opened.batch]
    key = opened.writeKey or next((item.writeKey for item in opened.batch if item.writeKey), None)
    return Parcel(None, body, ids, len(ids), key)


class _Item(Struct, gc=False):
    messageId: str | None = None
    writeKey: str | None = None


class _Batch(Struct, gc=False):
    batch: list[_Item]
    writeKey: str | None = None


def _loosely(body: bytes) -> Parcel:
    """A batch in which something has a wrong type; what exactly is the flow's to say."""
    try:
        opened: Any = msgspec.json.decode(body)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise refuse(400, "bad_json", f"invalid json: {error}") from None
    items = opened.get("batch") if isinstance(opened, dict) else None
    if not isinstance(items, list):
        raise refuse(400, "bad_batch", "a batch is an object with a list of messages in `batch`")
    given = [(_text(item, "messageId"), _text(item, "writeKey")) for item in items]
    ids = ["" if own_id else message_id() for own_id, _ in given]
    key = _text(opened, "writeKey") or next((key for _, key in given if key), None)
    return Parcel(None, body, ids, len(ids), key)


def _text(fields: Any, name: str) -> str | None:
    value = fields.get(name) if isinstance(fields, dict) else None
    return value if isinstance(value, str) else None


def _mended(body: bytes, found: Rejected) -> bytes:
    return mend(body) if found.reason == "bad_json" else body


def _refused(found: Rejected) -> Refused:
    if found.reason == "too_large":
        return refuse(413, "too_large", found.detail)
    if found.reason == "missing_id" and found.detail.startswith("neither"):
        return refuse(400, "no_user_anon_id", "a message needs a userId or an anonymousId")
    if found.reason == "bad_json":
        return refuse(400, "bad_json", f"invalid json: {found.detail}")
    return refuse(400, found.reason, found.detail)


_ITS_OWN = [""]  # shared by all: nobody changes the ids of a parcel
_batches = msgspec.json.Decoder(_Batch)

_SINGLE = {type: Route("segment", single(type)) for type in sorted(TYPES)}
_BATCH = Route("segment", batch)
ROUTES: dict[str, Route] = {
    **{f"/v1/{type}": route for type, route in _SINGLE.items()},
    **{f"/v1/{type[0]}": route for type, route in _SINGLE.items()},
    **{path: _BATCH for path in ("/v1/batch", "/v1/b", "/v1/import", "/batch", "/b")},
}
