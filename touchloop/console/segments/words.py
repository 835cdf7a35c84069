"""Words of segments: what they are for, and how they are."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

PURPOSES = {
    "personalise": gettext_lazy("Personalise our pages"),
    "marketing": gettext_lazy("Send marketing"),
    "service": gettext_lazy("Serve and support"),
    "measure": gettext_lazy("Measure the experience"),
    "improve": gettext_lazy("Improve products, in sums"),
    "profile": gettext_lazy("Make a marketing profile"),
}
STATES = {
    "live": gettext_lazy("live"),
    "paused": gettext_lazy("paused"),
    "draft": gettext_lazy("draft"),
}
TONES = {"live": "experience", "paused": "engage", "draft": ""}
