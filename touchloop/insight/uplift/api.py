"""What other rooms may call."""

from __future__ import annotations

from touchloop.insight.uplift.asking import LABELS, fit_uplift_file
from touchloop.insight.uplift.kind import KINDS
from touchloop.insight.uplift.trials import CAMPAIGN, Trial, offers, settled_until
from touchloop.insight.uplift.trials import keep as keep_trials

__all__ = [
    "CAMPAIGN", "KINDS", "LABELS", "Trial", "fit_uplift_file", "keep_trials", "offers",
    "settled_until",
]  # fmt: skip
