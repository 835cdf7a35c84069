"""What a message's context tells us, read leniently: each part by itself, a wrong one is absent."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from touchloop.interactions.judging import Json, Refusal, json_object


class ExternalId(Struct, gc=False):
    """An identifier of a namespace of its own."""

    id: str | int | None = None
    type: str | None = None


class Consent(Struct, gc=False):
    """The choices that a consent banner hands on with each message."""

    categoryPreferences: dict[str, bool] | None = None


class Touchpoint(Struct, gc=False):
    """Where customer and company met; what is not said follows from the source."""

    channel: str | None = None
    location: str | None = None
    stage: str | None = None


class Context(Struct, gc=False):
    """The parts of a context that mean something here."""

    ip: str | None = None
    direct: bool | None = None
    userAgent: str | None = None
    groupId: str | int | None = None
    traits: Json | None = None
    externalIds: list[ExternalId] | None = None
    consent: Consent | None = None
    touchpoint: Touchpoint | None = None


def read(text: bytes) -> Context:
    """The context in a JSON object. Raises Refusal when it is no JSON object."""
    try:
        return _contexts.decode(text)
    except msgspec.ValidationError:
        return _loosely(json_object(text))
    except (msgspec.DecodeError, RecursionError) as error:
        raise Refusal("bad_json", str(error)[:200]) from None


def _loosely(fields: Json) -> Context:
    context = Context()
    for key, type in _PARTS.items():
        try:
            setattr(context, key, msgspec.convert(fields.get(key), type))
        except msgspec.ValidationError:
            continue
    if context.touchpoint is None:
        context.touchpoint = _touchpoint(fields.get("touchpoint"))
    return context


def _touchpoint(said: Any) -> Touchpoint | None:
    """A till may send its location as a number."""
    if not isinstance(said, dict):
        return None
    return Touchpoint(*(str(said[part]) if said.get(part) else None for part in _WHERE))


_contexts = msgspec.json.Decoder(Context)
_PARTS = {field.name: field.type for field in msgspec.structs.fields(Context)}
_WHERE = ("channel", "location", "stage")
