"""Decisions as they are recorded: a set of them in one statement, and who came to which offer."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from touchloop.core import arrays, clock
from touchloop.core.db import Connection
from touchloop.core.statements import Statement
from touchloop.engage.decisions.choosing import Choice
from touchloop.engage.decisions.compiled import Compiled
from touchloop.engage.decisions.facts import Facts

Made = tuple[UUID, Facts, Choice]


def record(conn: Connection, compiled: Compiled, made: Sequence[Made]) -> None:
    """Store decisions with all their inputs. Does not commit."""
    facts = [each[1] for each in made]
    choices = [each[2] for each in made]
    exposed = sorted(_exposed(compiled, made), key=lambda each: (each.subject_id, each.offer_id))
    _RECORD.rows(
        conn,
        {
            "ids": arrays.uuids(each[0] for each in made),
            "subjects": arrays.numbers(each.customer_id for each in facts),
            "ats": arrays.numbers(each.at for each in facts),
            "channels": arrays.texts(each.channel for each in facts),
            "locations": arrays.texts(each.location for each in facts),
            "placements": arrays.texts(each.placement for each in facts),
            "book": compiled.book.id,
            "policy": compiled.policy.version,
            "model": compiled.model.version,
            "inputs": arrays.texts(_ENCODE(each).decode() for each in facts),
            "propensities": arrays.texts(_packed(each) for each in choices),
            "chosen": arrays.texts(
                arrays.numbers(one.offer_id for one in each.chosen) for each in choices
            ),
            "probabilities": arrays.texts(
                arrays.numbers(one.probability for one in each.chosen) for each in choices
            ),
            "firsts": arrays.numbers(each.first for each in choices),
            "e_subjects": arrays.numbers(each.subject_id for each in exposed),
            "e_offers": arrays.numbers(each.offer_id for each in exposed),
            "e_held": arrays.texts(str(each.held).lower() for each in exposed),
            "e_ats": arrays.instants(each.at for each in exposed),
            "e_goals": arrays.texts(each.goal for each in exposed),
            "e_untils": arrays.instants(each.until for each in exposed),
        },
    )


def _packed(choice: Choice) -> str:
    given = choice.weighed.propensities
    return struct.pack(f"<{len(given)}f", *given).hex()


class _Exposure(msgspec.Struct, frozen=True):
    subject_id: int
    offer_id: int
    held: bool
    at: datetime
    goal: str
    until: datetime


def _exposed(compiled: Compiled, made: Sequence[Made]) -> Iterator[_Exposure]:
    """What the database keeps of them is the first of each pair."""
    for _id, facts, choice in made:
        for offer_id, held in choice.exposures:
            goal, days = compiled.goals[offer_id]
            at = clock.from_micros(facts.at)
            yield _Exposure(facts.customer_id, offer_id, held, at, goal, at + timedelta(days=days))


_ENCODE = msgspec.json.Encoder().encode
_RECORD = Statement(
    "decision_record",
    """
WITH exposed AS (
  INSERT INTO offer_exposures (subject_id, offer_id, held, at, goal, until)
  SELECT unnest(%(e_subjects)s::bigint[]), unnest(%(e_offers)s::int[]),
         unnest(%(e_held)s::boolean[]), unnest(%(e_ats)s::timestamptz[]),
         unnest(%(e_goals)s::text[]), unnest(%(e_untils)s::timestamptz[])
  ON CONFLICT DO NOTHING
)
INSERT INTO decisions (id, subject_id, at, channel, location, placement, book_id, policy_version,
                       model_version, inputs, propensities, chosen, probabilities, first_offer,
                       learning)
SELECT id, subject, to_timestamp(0) + at * interval '1 microsecond', channel, location, placement,
       %(book)s::int, %(policy)s::int, %(model)s::int, inputs, decode(propensities, 'hex'),
       chosen::int[], probabilities::float8[], first, 0
FROM (  -- not FROM unnest(…): that keeps each array in a store of its own
  SELECT unnest(%(ids)s::uuid[]) AS id, unnest(%(subjects)s::bigint[]) AS subject,
         unnest(%(ats)s::bigint[]) AS at, unnest(%(channels)s::text[]) AS channel,
         unnest(%(locations)s::text[]) AS location, unnest(%(placements)s::text[]) AS placement,
         unnest(%(inputs)s::text[]) AS inputs, unnest(%(propensities)s::text[]) AS propensities,
         unnest(%(chosen)s::text[]) AS chosen,
         unnest(%(probabilities)s::text[]) AS probabilities, unnest(%(firsts)s::int[]) AS first
) d
""",
)
