"""Step `engage`: what the batch brought is shown to the rooms that act on it.

Triggers start and end, offers learn what became of them, surveys are drawn, signals noticed, all in
the batch's transaction. Most batches concern nobody: then the step costs the few small queries by
which each room knows that nothing of its own has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from datetime import datetime
from time import perf_counter
from typing import Any, NamedTuple

from touchloop.core.db import Connection
from touchloop.core.errors import NotFound
from touchloop.engage.decisions import api as decisions
from touchloop.engage.triggers import api as triggers
from touchloop.experience.signals import api as signals
from touchloop.experience.surveys import api as surveys
from touchloop.flow.batch import Batch, Message, Work
from touchloop.flow.logging import place_of, stage_of
from touchloop.flow.understanding import ENTERED, LEFT, OWN, SYSTEM
from touchloop.insight.scores import api as scores
from touchloop.interactions.api import Happened

SURVEY_WANTED = "Survey Wanted"


class Room(NamedTuple):
    """A room that acts on what happens; it is shown what has the names that `concerns` gives."""

    name: str
    on_batch: Callable[[Connection, Sequence[Happened], datetime], Any]
    concerns: Callable[[Connection], frozenset[str]]


def invite_wanted(conn: Connection, happened: Sequence[Happened], now: datetime) -> None:
    """Ask those of whom a trigger says so; the surveys keep their quarantine all the same."""
    wanted = [
        each
        for each in happened
        if each.name == SURVEY_WANTED and each.source_slug == OWN
        if isinstance(each.properties.get("survey"), str)
    ]
    for each in wanted:
        try:
            survey = surveys.by_slug(conn, each.properties["survey"])
        except NotFound:  # it was taken away since
            continue
        surveys.invite(
            conn,
            [each.subject_id],
            survey=survey,
            touchpoint=(each.channel, each.location),
            cause=f"interaction:{each.interaction_id}",
            now=now,
            stage=each.stage,
        )


def wanted_names(conn: Connection) -> frozenset[str]:
    """The names of the interactions that `invite_wanted` wants to see."""
    return frozenset((SURVEY_WANTED,))


ROOMS = (
    # Before the others, which may ask for it.
    Room("intent", scores.intent_on_batch, scores.intent_concerns),
    Room("triggers", triggers.on_batch, triggers.concerns),
    Room("decisions", decisions.on_batch, decisions.concerns),
    Room("signals", signals.on_batch, signals.concerns),
    Room("surveys", surveys.on_batch, surveys.concerns),
    Room("wanted", invite_wanted, wanted_names),
)


def show_to_rooms(batch: Batch, work: Work) -> Batch:
    """Let each room act on the batch, in its order; what they did stands in the note."""
    names = {room: room.concerns(work.conn) for room in ROOMS}
    happened = list(what_happened(batch, frozenset().union(*names.values())))
    if not happened:
        return batch
    for room, concerned in names.items():
        start = perf_counter()
        mine = [each for each in happened if each.name in concerned]
        if mine:
            room.on_batch(work.conn, mine, work.now)
        batch.note("engage", **{f"{room.name}_ms": round((perf_counter() - start) * 1_000, 2)})
    batch.note("engage", happened=len(happened))
    return batch


def what_happened(batch: Batch, names: Container[str]) -> Iterator[Happened]:
    """The batch's messages of these names, and who entered and left segments, in the order of the
    log."""
    messages = () if batch.again else batch.messages  # nobody acts twice on what is past
    for row, message in zip(batch.rows, messages, strict=False):  # the messages come first
        if message.envelope.name in names:
            yield _of_message(row.id, message)
    wanted = {entered: name in names for entered, name in ((True, ENTERED), (False, LEFT))}
    for id, change, name in batch.moves:
        if not wanted[change.entered]:
            continue
        yield Happened(
            id,
            change.customer_id,
            change.customer_id,
            SYSTEM,
            ENTERED if change.entered else LEFT,
            {"segment_id": change.segment_id, "segment": name},
            "",
            "",
            "",
            change.at,
            SYSTEM,
            OWN,
        )


def _of_message(id: int, message: Message) -> Happened:
    envelope = message.envelope
    channel, location = place_of(message)
    return Happened(  # by position: this runs for every interaction
        id,
        message.subject_id,
        message.customer_id,
        envelope.type,
        envelope.name,
        envelope.properties,
        channel,
        location,
        stage_of(message),
        envelope.occurred_at,
        message.source.kind,
        message.source.slug,
    )
