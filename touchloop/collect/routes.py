"""All paths that take messages."""

from __future__ import annotations

from touchloop.collect.parcel import Route
from touchloop.collect.wires import segment

_ALL: dict[str, Route] = {**segment.ROUTES}
ROUTES: dict[str, Route] = _ALL | {
    path.rstrip("/"): route for path, route in _ALL.items() if path.rstrip("/") not in _ALL
}
