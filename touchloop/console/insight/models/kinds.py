"""The kinds of models that there are; what they need is loaded at the first look."""

from __future__ import annotations

from django.http import Http404

from touchloop.console import database
from touchloop.flow import api as flow
from touchloop.insight.likeness import api as likeness
from touchloop.insight.models.api import Kind


def every() -> tuple[Kind, ...]:
    """All kinds that the product has, in their order."""
    return tuple(flow.kinds())


def of_segments() -> tuple[Kind, ...]:
    """Those that somebody asked for: one for each segment whose like are looked for."""
    return likeness.kinds(database.here())


def one(name: str) -> Kind:
    """The kind of this name; Http404 when there is none."""
    made = of_segments() if name.startswith(likeness.PREFIX) else ()
    found = next((kind for kind in (*every(), *made) if kind.name == name), None)
    if found is None:
        raise Http404
    return found
