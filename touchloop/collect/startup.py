"""What the browser libraries load before they start: send everything here, load nothing else.

Segment's asks by the key in the path, RudderStack's by Basic or `?writeKey=`, PostHog's by the key
in the path, as JSON or as a script. Without these answers they do not start, or fill the visitor's
console with errors.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import msgspec

from touchloop.collect.answers import Answer, refuse
from touchloop.collect.connection import Request
from touchloop.interactions.api import Source

if TYPE_CHECKING:
    from touchloop.collect.door import Door

Page = Callable[["Door", Request], Awaitable[Answer]]

_SEGMENT = re.compile(r"/(?:v1/)?projects/([^/]{1,200})/settings/?")
_POSTHOG = re.compile(r"/array/([^/]{1,200})/config(\.js)?/?")
_RUDDER = frozenset({"/sourceConfig", "/sourceConfig/"})


def page(path: str) -> Page | None:
    """What answers at this path; None for a path that is none of these."""
    if path in _RUDDER:
        return _rudder
    if found := _SEGMENT.fullmatch(path):
        return partial(_segment, found[1])
    if found := _POSTHOG.fullmatch(path):
        return partial(_posthog, found[1], bool(found[2]))
    return None


async def _segment(key: str, door: Door, request: Request) -> Answer:
    source = await _source(door, key)
    secure = request.headers.get("x-forwarded-proto") == "https"
    host = request.headers.get("host") or "localhost"
    plan = {"__default": {"enabled": True, "integrations": {}}}
    return _json(
        {
            "integrations": {
                "Segment.io": {
                    "apiKey": source.write_key,
                    "apiHost": f"{host}/v1",
                    "protocol": "https" if secure else "http",
                    "unbundledIntegrations": [],
                    "addBundledMetadata": True,
                    "maybeBundledConfigIds": {},
                    "versionSettings": {"version": "4.4.7", "componentTypes": ["browser"]},
                }
            },
            "plan": {"track": plan, "identify": plan, "group": plan},
            "edgeFunction": {},
            "analyticsNextEnabled": True,
            "middlewareSettings": {},
            "enabledMiddleware": {},
            "metrics": {"sampleRate": 0},
            "legacyVideoPluginsEnabled": False,
            "remotePlugins": [],
        }
    )


async def _rudder(door: Door, request: Request) -> Answer:
    asked = parse_qs(request.query_string).get("writeKey", [""])[0]
    source = door.keys.of_header(request.headers.get("authorization") or "")
    source = source or await _source(door, asked)
    return _json(
        {
            "source": {
                "id": source.slug,
                "name": source.name,
                "writeKey": source.write_key,
                "enabled": True,
                "workspaceId": "touchloop",
                "config": {"statsCollection": {"errors": {"enabled": False}}},
                "connections": [],
                "destinations": [],
                "dataplanes": {},
            }
        }
    )


async def _posthog(key: str, script: bool, door: Door, request: Request) -> Answer:
    source = await _source(door, key)
    config = {
        "token": source.write_key,
        "supportedCompression": ["gzip", "gzip-js"],
        "hasFeatureFlags": False,
        "analytics": {"endpoint": "/i/v0/e/"},
        "elementsChainAsString": True,
        "defaultIdentifiedOnly": True,
        "siteApps": [],
    } | dict.fromkeys(_NOT_HERE, False)
    if not script:
        return _json(config)
    named = msgspec.json.encode({source.write_key: {"config": config, "siteApps": []}})
    return Answer(
        200,
        b"window._POSTHOG_REMOTE_CONFIG=Object.assign(window._POSTHOG_REMOTE_CONFIG||{},%b);"
        % named,
        "text/javascript; charset=utf-8",
    )


async def _source(door: Door, key: str) -> Source:
    source = await door.keys.find(key)
    if source is None:
        raise refuse(404, "unknown_write_key", "invalid write key")
    return source


def _json(content: object) -> Answer:
    return Answer(200, msgspec.json.encode(content))


_NOT_HERE = (
    "sessionRecording",
    "heatmaps",
    "surveys",
    "captureDeadClicks",
    "capturePerformance",
    "autocaptureExceptions",
    "errorTracking",
)
