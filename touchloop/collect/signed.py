"""Sources that demand signed user ids: what is not signed does not come in."""

from __future__ import annotations

from typing import Any

import msgspec

from touchloop.collect.answers import refuse
from touchloop.collect.parcel import Parcel
from touchloop.collect.signature import verify

HEADER = "x-signature"


def only_signed(
    parcel: Parcel, *, secret: str, header: str | None, now: float
) -> tuple[Parcel, int]:
    """The parcel without the messages whose user is not proven, and how many those were.

    Anonymous messages need no signature. Raises Refused (401) when nothing is left.
    """
    try:
        body: Any = msgspec.json.decode(parcel.body)
    except (msgspec.MsgspecError, RecursionError):
        raise refuse(400, "bad_json", "invalid json", messages=parcel.n) from None
    items = [body] if parcel.type is not None else body["batch"]
    kept = [n for n, item in enumerate(items) if _proven(item, secret, header, now)]
    if not kept and items:
        raise refuse(401, "bad_signature", "this source demands a signed userId", messages=parcel.n)
    if len(kept) == len(items):
        return parcel, 0
    body["batch"] = [items[n] for n in kept]
    left = Parcel(
        None, msgspec.json.encode(body), [parcel.ids[n] for n in kept], len(kept), parcel.key
    )
    return left, parcel.n - len(kept)


def _proven(item: Any, secret: str, header: str | None, now: float) -> bool:
    """Every name of a known person in it needs a proof, or one would borrow another's."""
    if not isinstance(item, dict):
        return True  # no message at all: the flow says so
    context = item.get("context")
    context = context if isinstance(context, dict) else {}
    proof = context.get("signature")
    proof = proof if isinstance(proof, str) else header
    user_id = _text(item.get("userId"))
    if user_id and not verify(secret, user_id, proof, now=now):
        return False
    external = context.get("externalIds")
    names = [
        _text(each.get("id"))
        for each in (external if isinstance(external, list) else [])
        if isinstance(each, dict) and each.get("type") in ("user_id", "userId")
    ]
    if any(name != user_id for name in names):
        return False
    return _previous_proven(item, context, secret, now)


def _previous_proven(item: Any, context: Any, secret: str, now: float) -> bool:
    """An alias takes over what `previousId` was: that needs its own proof, or an anonymous id."""
    previous = _text(item.get("previousId"))
    if not previous or previous == _text(item.get("anonymousId")):
        return True
    proof = context.get("previousSignature")
    return verify(secret, previous, proof if isinstance(proof, str) else None, now=now)


def _text(value: Any) -> str:
    return "" if value is None else str(value)
