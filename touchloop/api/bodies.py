"""Bodies of requests as they are read, and answers as they are written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from touchloop.api.answers import Refused, refuse
from touchloop.channels.api import Prompt
from touchloop.core.errors import Invalid
from touchloop.engage.decisions.api import Decision, Request, check

T = TypeVar("T")
Text = Annotated[str, Meta(max_length=200)]


class Identifier(Struct, frozen=True, forbid_unknown_fields=True):
    """Who it is, by any identifier: user_id, card, email, phone, external:<type>, …"""

    namespace: Annotated[str, Meta(min_length=1, max_length=60)]
    value: Annotated[str, Meta(min_length=1, max_length=500)]


class Asked(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /v1/decide. `customer` is a number, or an identifier."""

    customer: int | Identifier
    channel: Text
    location: Text = ""
    placement: Text = ""
    context: dict[str, Any] = {}
    limit: int = 1
    explain: bool = True


class Told(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /v1/outcomes."""

    decision_id: UUID
    offer: Annotated[str, Meta(min_length=1, max_length=100)]
    outcome: Literal["shown", "accepted", "rejected", "deferred"]
    outcome_id: Text = ""


class AskedPrompts(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /v1/prompts: who stands at which till, or is on the line."""

    customer: int | Identifier
    channel: Annotated[str, Meta(min_length=1, max_length=60)]
    location: Text = ""


class Answered(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /v1/prompts/answer."""

    prompt: Annotated[int, Meta(ge=1, le=(1 << 63) - 1)]
    answer: Literal["accepted", "rejected", "later"]
    location: Text = ""


def request_of(body: bytes, now: datetime) -> Request:
    """The request that a body asks for. Raises Refused: 400 for no JSON, 422 for a wrong one."""
    asked = _read(body, _ASKED)
    by_number = isinstance(asked.customer, int)
    request = Request(
        channel=asked.channel,
        now=now,
        customer_id=asked.customer if isinstance(asked.customer, int) else None,
        identifier=None
        if isinstance(asked.customer, int)
        else (asked.customer.namespace, asked.customer.value),
        location=asked.location,
        placement=asked.placement,
        limit=asked.limit,
        context=asked.context,
        explain=asked.explain,
    )
    try:
        check(request)
    except Invalid as error:
        field = "customer" if by_number and error.field == "customer_id" else error.field
        raise refuse(422, "invalid", error.message, field=field) from None
    return request


def told_in(body: bytes) -> Told:
    """The outcome that a body tells. Raises Refused as `request_of` does."""
    return _read(body, _TOLD)


def prompts_of(body: bytes) -> AskedPrompts:
    """Whose prompts are asked for. Raises Refused as `request_of` does."""
    asked = _read(body, _PROMPTS)
    if isinstance(asked.customer, int) and not 0 < asked.customer < 1 << 63:
        raise refuse(422, "invalid", "a positive number is expected", field="customer")
    return asked


def answer_in(body: bytes) -> Answered:
    """What a customer said to a prompt. Raises Refused as `request_of` does."""
    return _read(body, _ANSWERED)


def prompts_written(customer_id: int, prompts: Sequence[Prompt]) -> bytes:
    """Prompts as the till shows them."""
    shown = [
        {
            "prompt": one.delivery_id,
            "kind": one.kind,
            "topic": one.topic,
            "template": one.template,
            "offer": one.offer,
            "decision_id": one.decision_id,
            "data": dict(one.data),
            "shown_at": one.shown_at,
        }
        for one in prompts
    ]
    return _ENCODE({"customer_id": customer_id, "prompts": shown})


def written(decision: Decision) -> bytes:
    """A decision as the touchpoint reads it."""
    return _ENCODE(
        {
            "decision_id": decision.id,
            "customer_id": decision.customer_id,
            "at": decision.at,
            "offers": decision.offers,
            "held": decision.held,
            "holdout": decision.holdout,
            "explored": decision.explored,
            "versions": {
                "offers": decision.book_id,
                "policy": decision.policy_version,
                "model": decision.model_version,
            },
        }
    )


def _read(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        said, _sep, path = str(error).partition(" - at `$")
        raise refuse(422, "invalid", said, field=path.rstrip("`").lstrip(".")) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _no_json(str(error)) from None


def _no_json(said: str) -> Refused:
    return refuse(400, "not_json", f"the body is not JSON: {said}")


_ENCODE = msgspec.json.Encoder().encode
_ASKED = msgspec.json.Decoder(Asked)
_TOLD = msgspec.json.Decoder(Told)
_PROMPTS = msgspec.json.Decoder(AskedPrompts)
_ANSWERED = msgspec.json.Decoder(Answered)
