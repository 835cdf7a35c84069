"""The parts of matching, as tabs."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _


def parts(here: str) -> list[tuple[str, str, bool, None]]:
    """For the component `ui/tabs.html`: (label, address, is this one, no count)."""
    return [
        (_("Run and weights"), reverse("insight_matching"), here == "run", None),
        (_("Label pairs"), reverse("insight_matching_look"), here == "label", None),
        (_("Lists"), reverse("insight_matching_lists"), here == "lists", None),
        (_("Homes"), reverse("insight_matching_homes"), here == "homes", None),
    ]
