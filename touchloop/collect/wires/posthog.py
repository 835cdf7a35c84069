"""PostHog's capture paths, for its Python, Node and browser libraries.

The write key goes where the project key does (`api_key` or `token`). `$identify` and `$set` become
identify, `$create_alias` alias, `$groupidentify` group, `$pageview` page, `$screen` screen, and
everything else track. A distinct id counts as anonymous where the library says so, or where it is
the id of the device. A group that names no user hangs on the library's own id for it. There are no
feature flags here: the flags' paths say so.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from touchloop.collect.answers import Answer, refuse
from touchloop.collect.bodies import inflate
from touchloop.collect.connection import Request
from touchloop.collect.limits import Limits
from touchloop.collect.parcel import Parcel, Route
from touchloop.collect.wires.foreign import Json, compact, opened, parcel, part, text, unbase64

_DONE = Answer(200, b'{"status":1}')
_NO_FLAGS = Answer(
    200,
    b'{"flags":{},"featureFlags":{},"featureFlagPayloads":{},"errorsWhileComputingFlags":false,'
    b'"config":{},"supportedCompression":["gzip","gzip-js"],"sessionRecording":false}',
)


def capture(request: Request) -> Parcel:
    """One event, a list of them, or `{"batch": […]}`. Raises Refused for anything else."""
    content = opened(_unwrapped(request.body))
    shared: Json = content if isinstance(content, dict) else {}
    events = content if isinstance(content, list) else shared.get("batch", [content])
    if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
        raise refuse(400, "bad_batch", "a batch is a list of events")
    if "batch" in shared and len(shared["batch"]) == 0:
        return Parcel(None, b'{"batch":[]}', [], 0, _key(shared))
    key = _key(shared) or next((found for event in events if (found := _key(event))), None)
    sent_at = shared.get("sent_at") or request.query.get("_")
    return parcel([_message(event) for event in events], key=key, sent_at=sent_at)


def no_flags(request: Request) -> Parcel:
    """Nothing is taken in: the answer alone says that there are no flags."""
    return Parcel(None, b'{"batch":[]}', [], 0, _key(opened(_unwrapped(request.body))))


def _unwrapped(body: bytes) -> bytes:
    """The browser sends JSON, or a form with `data` in base64, either of them perhaps gzipped."""
    if not body.startswith(b"data="):
        return body
    data = parse_qs(body.decode()).get("data", [""])[0]
    content = unbase64(data.replace(" ", "+")) or b""
    return inflate(content, limit=Limits().foreign_body)


def _key(fields: Any) -> str | None:
    if not isinstance(fields, dict):
        return None
    found = fields.get("api_key") or fields.get("token") or part(fields, "properties").get("token")
    return found if isinstance(found, str) else None


def _message(event: Json) -> Json:
    properties = part(event, "properties")
    name = event.get("event")
    who = _who(event, properties)
    message: Json = {
        **who,
        "messageId": text(event.get("uuid") or properties.get("$insert_id")),
        "timestamp": event.get("timestamp"),
        "context": _context(properties),
    }
    own = {key: value for key, value in properties.items() if key not in _TRANSPORT}
    traits = part(properties, "$set_once") | part(event, "$set_once")
    traits |= part(properties, "$set") | part(event, "$set")
    if name in ("$identify", "$set"):
        anonymous = text(properties.get("$anon_distinct_id")) or who.get("anonymousId")
        message |= {"type": "identify", "traits": traits, "anonymousId": anonymous}
    elif name == "$create_alias":
        message |= {"type": "alias", "previousId": text(properties.get("alias"))}
        message["userId"] = text(properties.get("distinct_id")) or who.get("userId")
    elif name == "$groupidentify":
        message |= {"type": "group", "groupId": text(properties.get("$group_key"))}
        message["traits"] = part(properties, "$group_set") | compact(
            {"group_type": properties.get("$group_type")}
        )
    elif name == "$pageview":
        message |= {"type": "page", "properties": own | message["context"].get("page", {})}
    elif name == "$screen":
        message |= {"type": "screen", "name": own.get("$screen_name"), "properties": own}
    else:
        message |= {"type": "track", "event": name, "properties": own}
        message["context"] |= compact({"traits": traits})
    return compact(message)


def _who(event: Json, properties: Json) -> Json:
    given = event.get("distinct_id")
    distinct = text(given if given is not None else properties.get("distinct_id"))
    device = text(properties.get("$device_id"))
    synthetic = f"${properties.get('$group_type')}_{properties.get('$group_key')}"
    anonymous = (
        properties.get("$is_identified") is False
        or properties.get("$process_person_profile") is False
        or distinct in (device, synthetic)
    )
    if anonymous:
        return {"anonymousId": distinct}
    return {"userId": distinct, "anonymousId": device}


def _context(properties: Json) -> Json:
    page = compact(
        {
            "url": properties.get("$current_url"),
            "path": properties.get("$pathname"),
            "referrer": properties.get("$referrer"),
            "title": properties.get("title"),
        }
    )
    library = compact({"name": properties.get("$lib"), "version": properties.get("$lib_version")})
    return compact(
        {
            "ip": text(properties.get("$ip")),
            "userAgent": text(properties.get("$raw_user_agent")),
            "locale": text(properties.get("$browser_language")),
            "timezone": text(properties.get("$timezone")),
            "page": page,
            "library": library,
            "groups": part(properties, "$groups"),
        }
    )


_TRANSPORT = frozenset({"$set", "$set_once", "token", "distinct_id", "$insert_id", "$groups"})
_CAPTURE = Route("posthog", capture, done=_DONE, foreign=True)
_FLAGS = Route("posthog", no_flags, done=_NO_FLAGS, foreign=True)
ROUTES: dict[str, Route] = {
    **{path: _CAPTURE for path in ("/batch/", "/capture/", "/e/", "/i/v0/e/", "/track/")},
    **{path: _FLAGS for path in ("/flags/", "/decide/")},
}
