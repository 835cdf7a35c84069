"""The map of the product: the way of every micro-batch, in order.

A step takes the batch and gives it back. Each is timed and counted under its name; what it says of
itself stands in `flow_batches.steps` and on the Live page. All steps after `who` run in one
transaction with the deletion of the inbox blocks, so that a batch happens once or not at all; what
`open`, `who` and `where` keep in transactions of their own is a function of the messages alone and
may stay when the batch is undone.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import NamedTuple

from touchloop.flow import (
    consenting,
    engaging,
    knowing,
    logging,
    naming,
    once,
    opening,
    planning,
    replaying,
    understanding,
)
from touchloop.flow.batch import Batch, Work


class Step(NamedTuple):
    """A named part of the way."""

    name: str
    run: Callable[[Batch, Work], Batch]
    says: str


ON_INTERACTIONS = (
    Step("open", opening.open_records, "unpack the records; what breaks the contract is held"),
    Step(
        "once", once.drop_duplicates, "the same message again is dropped, another under its id held"
    ),
    Step(
        "plan", planning.keep_the_plan, "what breaks its source's tracking plan is warned or held"
    ),
    Step("who", naming.name_customers, "identifiers become a subject; subjects become a customer"),
    Step("consent", consenting.ask_consent, "what may this be used for; grants and withdrawals"),
    Step("log", logging.append_to_log, "kind, place, products; append to the log"),
    Step("know", knowing.fold_profiles, "activity, traits, the canonical row"),
    Step(
        "understand", understanding.refresh_segments, "segments entered and left, as interactions"
    ),
    Step("engage", engaging.show_to_rooms, "triggers, offers, signals and surveys act on it"),
)

# A customer whose time has come (a window moves, a merge, an edit) needs only the last three.
ON_DUE = tuple(step for step in ON_INTERACTIONS if step.name in ("know", "understand", "engage"))

# From any row of the log: all that is kept beside it is worked out again.
ON_REPLAY = (
    Step("read", replaying.read_again, "rows of the log become messages once more"),
    *ON_DUE,
)


def walk(batch: Batch, work: Work, steps: tuple[Step, ...]) -> Batch:
    """Take a batch through the steps and note the time of each."""
    for step in steps:
        start = perf_counter()
        batch = step.run(batch, work)
        batch.note(step.name, ms=round((perf_counter() - start) * 1_000, 2))
    return batch
