"""The rooms of Insight, side by side as tabs; a room stands there when it has its page."""

from __future__ import annotations

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

ROOMS: tuple[tuple[str, str | Promise], ...] = (
    ("value", _("Value")),
    ("risk", _("Risk")),
    ("affinity", _("Affinity")),
    ("paths", _("Paths")),
    ("intent", _("Intent")),
    ("uplift", _("Uplift")),
    ("matching", _("Matching")),
    ("models", _("Models")),
    ("motion", _("Data in motion")),
)


def tabs(here: str) -> list[tuple[str | Promise, str, bool, None]]:
    """For the component `ui/tabs.html`: (label, address, is this one, no count)."""
    found = []
    for room, label in ROOMS:
        try:
            found.append((label, reverse(f"insight_{room}"), room == here, None))
        except NoReverseMatch:
            continue
    return found
