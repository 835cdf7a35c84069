"""What other rooms may use of the surveys."""

from touchloop.experience.surveys.answering import (
    LONGEST_TEXT,
    Reply,
    Seen,
    answer,
    look,
    seconds_since,
    stamp,
)
from touchloop.experience.surveys.asking import Asked, invite
from touchloop.experience.surveys.codes import png, svg
from touchloop.experience.surveys.designing import (
    CES,
    CSAT,
    NPS,
    POOR,
    RATING,
    SCALES,
    Design,
    Rating,
    Survey,
    Words,
    by_slug,
    change,
    create,
    get,
    listing,
    quarantine_days,
    set_quarantine_days,
    set_share,
    shares,
    words_of,
)
from touchloop.experience.surveys.letter import ensure_letter
from touchloop.experience.surveys.noticing import concerns, due, on_batch
from touchloop.experience.surveys.places import Place, address, answer_at, new_ticket, open_at
from touchloop.experience.surveys.reading import (
    Given,
    Outcome,
    Sent,
    answers,
    invitations,
    outcomes,
)
from touchloop.experience.surveys.simulation import SIMULATION, Simulated, simulate
from touchloop.experience.surveys.starting import ensure as ensure_starting_surveys

__all__ = [
    "CES", "CSAT", "LONGEST_TEXT", "NPS", "POOR", "RATING", "SCALES", "SIMULATION", "Asked",
    "Design", "Given", "Outcome", "Place", "Rating", "Reply", "Seen", "Sent", "Simulated",
    "Survey", "Words", "address", "answer", "answer_at", "answers", "by_slug", "change",
    "create", "due", "ensure_letter", "ensure_starting_surveys", "get",
    "invitations", "invite", "listing",
    "concerns", "look", "new_ticket", "on_batch", "open_at", "outcomes", "png", "quarantine_days",
    "seconds_since", "set_quarantine_days", "set_share", "shares", "simulate", "stamp", "svg",
    "words_of",
]  # fmt: skip
