"""Words of decisions: the stages of the funnel, and the factors of a priority."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

STAGES = {
    "no_treatment": gettext_lazy("No treatment for this place"),
    "not_now": gettext_lazy("Not valid at this moment"),
    "not_personal": gettext_lazy("What is known may not be used"),
    "not_eligible": gettext_lazy("Not eligible"),
    "not_applicable": gettext_lazy("Does not apply"),
    "not_suitable": gettext_lazy("Not suitable"),
    "consent": gettext_lazy("Refused by the customer's choices"),
    "muted": gettext_lazy("Selling is muted"),
    "taken": gettext_lazy("Taken already"),
    "refused": gettext_lazy("Refused before"),
    "later": gettext_lazy("Put off: maybe later"),
    "shown_enough": gettext_lazy("Shown often enough"),
    "holdout": gettext_lazy("Held out from this offer"),
    "global_holdout": gettext_lazy("Held out from all that sells"),
    "outranked": gettext_lazy("Others came first"),
}
ANSWERS = {
    1: gettext_lazy("Shown"),
    2: gettext_lazy("Taken"),
    3: gettext_lazy("Refused"),
    4: gettext_lazy("Maybe later"),
}
TONES = {1: "", 2: "experience", 3: "danger", 4: "engage"}
POLICY_OF = {
    "not_eligible": "eligibility",
    "not_applicable": "applicability",
    "not_suitable": "suitability",
}
