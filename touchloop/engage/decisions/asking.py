"""The words of a decision: what is asked, what is answered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from touchloop.engage.offers.api import Treatment


class Request(Struct, frozen=True, kw_only=True):
    """Who is where, and what the touchpoint knows of the moment.

    Either `customer_id` (any identifier's number will do) or `identifier` (namespace, value).
    `context` are key and value of this very moment (`intent`: `cancel`). `limit` is how many offers
    there is room for. Without `explain`, what was held back is not listed.
    """

    channel: str
    now: datetime
    customer_id: int | None = None
    identifier: tuple[str, str] | None = None
    location: str = ""
    placement: str = ""
    limit: int = 1
    context: Mapping[str, Any] = {}
    explain: bool = True


class Chosen(Struct, frozen=True, gc=False):
    """An offer that was chosen, with the factors of its priority and the reasons in words.

    `probability` is that of its being chosen at this rank, given those before it: 1 but for the
    first, where exploration has a share.
    """

    offer_id: int
    offer: str
    name: str
    treatment: Treatment
    priority: float
    propensity: float
    weight: float
    value: float
    lever: float
    probability: float
    reasons: tuple[str, ...]


class Held(Struct, frozen=True, gc=False):
    """An offer that was held back: at which stage of the funnel, and why in a sentence."""

    offer_id: int
    offer: str
    stage: str
    reason: str


class Decision(Struct, frozen=True):
    """The answer. `holdout`: this customer is in the holdout of everything."""

    id: UUID | None
    customer_id: int
    at: datetime
    channel: str
    location: str
    placement: str
    offers: tuple[Chosen, ...]
    held: tuple[Held, ...]
    holdout: bool
    explored: bool
    book_id: int
    policy_version: int
    model_version: int


# The stages of the funnel, in the order in which they are asked.
NO_TREATMENT = "no_treatment"
NOT_NOW = "not_now"
NOT_USABLE = "not_personal"
NOT = {
    "eligibility": "not_eligible",
    "applicability": "not_applicable",
    "suitability": "not_suitable",
}
CONSENT = "consent"
MUTED = "muted"
TAKEN = "taken"
REFUSED = "refused"
LATER = "later"
SHOWN_ENOUGH = "shown_enough"
HOLDOUT = "holdout"
GLOBAL_HOLDOUT = "global_holdout"
OUTRANKED = "outranked"
STAGES = (
    NO_TREATMENT, NOT_NOW, NOT_USABLE, *NOT.values(), CONSENT, MUTED, TAKEN, REFUSED, LATER,
    SHOWN_ENOUGH, HOLDOUT, GLOBAL_HOLDOUT, OUTRANKED,
)  # fmt: skip
