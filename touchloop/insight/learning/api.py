"""The kinds of models: a room that learns adds its KINDS here, in one line."""

from __future__ import annotations

from touchloop.insight.affinity import api as affinity
from touchloop.insight.models.api import Kind
from touchloop.insight.paths import api as paths
from touchloop.insight.scores import api as scores
from touchloop.insight.uplift import api as uplift

KINDS: tuple[Kind, ...] = (*scores.KINDS, *affinity.KINDS, *paths.KINDS, *uplift.KINDS)
BY_NAME: dict[str, Kind] = {kind.name: kind for kind in KINDS}
