"""The kinds of models that there are; what they need is loaded at the first look."""

from __future__ import annotations

from django.http import Http404

from touchloop.flow import api as flow
from touchloop.insight.models.api import Kind


def every() -> tuple[Kind, ...]:
    """All kinds, in their order."""
    return tuple(flow.kinds())


def one(name: str) -> Kind:
    """The kind of this name; Http404 when there is none."""
    found = next((kind for kind in every() if kind.name == name), None)
    if found is None:
        raise Http404
    return found
