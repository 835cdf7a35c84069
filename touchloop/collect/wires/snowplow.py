"""Snowplow's tracker protocol, version 2 (`tp2`), by POST; and one event by GET, as a pixel.

The write key is the tracker's application id (`aid`), or `?writeKey=` in the collector's address,
or the user name of Basic authentication. `pv` becomes page, `se` track named by its action, `ue`
track named by its schema, `pp` track "Page Ping", `tr` and `ti` track.
"""

from __future__ import annotations

from typing import Any

import msgspec

from touchloop.collect.answers import GIF, Answer, refuse
from touchloop.collect.connection import Request
from touchloop.collect.parcel import Parcel, Route
from touchloop.collect.wires.foreign import Json, compact, opened, parcel, text, unbase64

_NAMES = {"pp": "Page Ping", "tr": "Transaction", "ti": "Transaction Item"}
_STRUCTURED = {
    "se_ca": "category", "se_ac": "action", "se_la": "label", "se_pr": "property",
    "se_va": "value",
}  # fmt: skip
_TRANSACTION = {
    "tr_id": "order_id", "tr_af": "affiliation", "tr_tt": "total", "tr_tx": "tax",
    "tr_sh": "shipping", "tr_cu": "currency", "ti_id": "order_id", "ti_sk": "sku",
    "ti_nm": "name", "ti_ca": "category", "ti_pr": "price", "ti_qu": "quantity",
    "ti_cu": "currency",
}  # fmt: skip


def tp2(request: Request) -> Parcel:
    """A payload_data document. Raises Refused for anything else."""
    content = opened(request.body)
    events = content.get("data") if isinstance(content, dict) else None
    if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
        raise refuse(400, "bad_batch", "payload_data is an object with a list in `data`")
    return _taken(request, events)


def pixel(request: Request) -> Parcel:
    """One event in the parameters of an address."""
    return _taken(request, [dict(request.query)])


def _taken(request: Request, events: list[Json]) -> Parcel:
    aid = next((event["aid"] for event in events if isinstance(event.get("aid"), str)), None)
    stamps = [stamp for event in events if (stamp := _millis(event.get("stm"))) is not None]
    return parcel(
        [_message(event) for event in events],
        key=request.query.get("writeKey") or aid,
        sent_at=max(stamps, default=None),
    )


def _message(event: Json) -> Json:
    kind = event.get("e")
    anonymous = event.get("duid") or event.get("nuid") or event.get("tnuid")
    message: Json = {
        "userId": text(event.get("uid")),
        "anonymousId": text(anonymous),
        "messageId": text(event.get("eid")),
        "timestamp": _millis(event.get("ttm")) or _millis(event.get("dtm")),
        "context": _context(event),
    }
    if not message["userId"] and not message["anonymousId"]:
        message["anonymousId"] = text(event.get("sid"))
    if kind == "pv":
        message |= {"type": "page", "name": text(event.get("page")), "properties": _page(event)}
    elif kind == "se":
        properties = _renamed(event, _STRUCTURED)
        message |= {"type": "track", "event": text(event.get("se_ac")), "properties": properties}
    elif kind == "ue":
        name, properties = _self_describing(event)
        message |= {"type": "track", "event": name, "properties": properties}
    else:
        properties = _page(event) | _renamed(event, _TRANSACTION)
        name = _NAMES.get(str(kind), text(kind))
        message |= {"type": "track", "event": name, "properties": properties}
    return compact(message)


def _self_describing(event: Json) -> tuple[str | None, Json]:
    """The inner event of `unstruct_event`: its name is the third part of its schema's address."""
    outer = _either(event, "ue_pr", "ue_px")
    inner = outer.get("data") if isinstance(outer, dict) else None
    if not isinstance(inner, dict):
        return None, {}
    parts = str(inner.get("schema", "")).removeprefix("iglu:").split("/")
    data = inner.get("data")
    name = parts[1] if len(parts) > 1 else None
    return name, data if isinstance(data, dict) else {}


def _either(event: Json, plain: str, encoded: str) -> Any:
    """A document sent as JSON text, or as base64 of it."""
    source: Any = event.get(plain)
    if not isinstance(source, str):
        data = event.get(encoded)
        source = unbase64(data) if isinstance(data, str) else None
    try:
        return msgspec.json.decode(source) if source else None
    except (msgspec.MsgspecError, RecursionError):
        return None


def _context(event: Json) -> Json:
    entities = _either(event, "co", "cx")
    library = compact({"name": "snowplow", "version": event.get("tv")})
    return compact(
        {
            "ip": text(event.get("ip")),
            "userAgent": text(event.get("ua")),
            "locale": text(event.get("lang")),
            "timezone": text(event.get("tz")),
            "page": _page(event),
            "library": library,
            "snowplow": entities.get("data") if isinstance(entities, dict) else None,
        }
    )


def _page(event: Json) -> Json:
    return _renamed(event, {"url": "url", "page": "title", "refr": "referrer"})


def _renamed(event: Json, names: dict[str, str]) -> Json:
    return compact({new: event.get(old) for old, new in names.items()})


def _millis(value: Any) -> int | None:
    """Snowplow writes its stamps as text; anything unreadable is as good as absent."""
    digits = str(value)
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 16 else None


_PATH = "/com.snowplowanalytics.snowplow/tp2"
ROUTES: dict[str, Route] = {
    _PATH: Route("snowplow", tp2, done=Answer(200, b"ok", "text/plain"), foreign=True),
    "/i": Route("snowplow", pixel, done=GIF, methods=frozenset({"GET"})),
}
