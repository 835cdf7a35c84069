"""All paths that take messages."""

from __future__ import annotations

from touchloop.collect.parcel import Route
from touchloop.collect.wires import jitsu, posthog, rudder, segment, snowplow

_ALL: dict[str, Route] = {
    **jitsu.ROUTES,
    **posthog.ROUTES,
    **rudder.ROUTES,
    **segment.ROUTES,
    **snowplow.ROUTES,
}


def _other_ending(path: str) -> str:
    return path.rstrip("/") if path.endswith("/") else path + "/"


# A slash at the end makes no difference, but between Segment's `/batch` and PostHog's `/batch/`.
ROUTES: dict[str, Route] = {_other_ending(path): route for path, route in _ALL.items()} | _ALL
