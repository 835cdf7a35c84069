"""What the wires of other products share: open the body, and write a batch of Segment's."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec

from touchloop.collect.answers import refuse
from touchloop.collect.bodies import mend
from touchloop.collect.parcel import Parcel, message_id

Json = dict[str, Any]


def opened(body: bytes) -> Any:
    """The JSON of a body. Raises Refused (400)."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, RecursionError) as error:
        mended = mend(body)
        if mended != body:
            return opened(mended)
        raise refuse(400, "bad_json", f"invalid json: {error}") from None


def parcel(messages: list[Json], *, key: str | None, sent_at: Any = None) -> Parcel:
    """Messages in Segment's shape, those without an id given one."""
    batch: Json = {"batch": messages}
    if sent_at is not None:
        batch["sentAt"] = sent_at
    ids = ["" if message.get("messageId") else message_id() for message in messages]
    return Parcel(None, msgspec.json.encode(batch), ids, len(messages), key)


def compact(fields: Json) -> Json:
    """Without what is absent."""
    return {name: value for name, value in fields.items() if value not in (None, "", {}, [])}


def part(fields: Any, name: str) -> Json:
    """An object within an object, {} for anything else."""
    value = fields.get(name) if isinstance(fields, dict) else None
    return value if isinstance(value, dict) else {}


def text(value: Any) -> str | None:
    """A text or a number as text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    return str(value) or None


def unbase64(data: str) -> bytes | None:
    """Standard or URL-safe, with or without its padding."""
    try:
        return base64.b64decode(data + "=" * (-len(data) % 4), altchars=b"-_", validate=False)
    except (binascii.Error, ValueError):
        return None
