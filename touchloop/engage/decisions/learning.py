"""What was shown and what came of it, made into the next version of the model.

A contextual bandit by vowpalwabbit (`--cb_adf`, costs regressed with weights 1/probability: `mtr`),
over channel and offer, and stage and a few traits where the person allows profiling. Exploration
is our own (choosing.py), and its probabilities are what the learner is told. Learning runs beside
deciding; what it says of each offer in each bucket is written down with the version.
"""

from __future__ import annotations

import os
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec
from psycopg.types.json import Jsonb
from vowpalwabbit import Workspace

from touchloop.core import locks
from touchloop.core.db import Connection
from touchloop.engage.decisions.facts import Facts
from touchloop.engage.decisions.memory import TAKEN
from touchloop.engage.decisions.policy import Policy, policy
from touchloop.engage.decisions.propensity import bucket_of, pack, unpack
from touchloop.engage.offers import api as offers

# Offers with channel and with facts, and each offer alone; never channel or facts alone, or what
# one offer earns would rub off on all others.
ARGUMENTS: Final = (
    "--cb_adf --cb_type mtr -q co -q fo --ignore_linear c --ignore_linear f -l 0.1 -b 18 --quiet"
)
BUCKETS: Final = 500  # those seen last
KEPT: Final = 5  # versions whose model and scores are kept; the others keep their counts
RAREST: Final = 0.02  # a smaller probability counts as this: one lucky draw is no law
WAITS, LEARNED, NEVER_SHOWN = 0, 1, 2


class Lesson(NamedTuple):
    """One offer that was shown: where, with which probability, and whether it was taken."""

    bucket: str
    offer_id: int
    probability: float
    taken: bool


def learn(conn: Connection, now: datetime, limit: int = 5_000) -> int:
    """Learn from decisions that are settled; returns how many. Commits with the caller.

    Settled is a decision when its `settle_hours` are over, whatever was answered: to learn at once
    from what was taken and later from what was not would make all look better than it is. Each
    teaches once. 0 as well while another learner is at work.
    """
    if not _alone(conn):
        return 0
    how = policy(conn)
    rows = conn.execute(
        _SETTLED,
        {
            "old": now - timedelta(hours=how.settings.settle_hours),
            "limit": limit,
            "taken": TAKEN,
        },
    ).fetchall()
    if not rows:
        return 0
    lessons = [lesson for row in rows if row[4] for lesson in _lessons(row, how)]
    if lessons:
        _next_version(conn, lessons, now=now)
    conn.execute(
        "UPDATE decisions d SET learning = n.word FROM unnest(%s::uuid[], %s::smallint[])"
        " n(id, word) WHERE d.id = n.id",
        ([row[0] for row in rows], [LEARNED if row[4] else NEVER_SHOWN for row in rows]),
    )
    return len(rows)


def examples(lesson: Lesson) -> list[str]:
    """A lesson as vowpalwabbit reads it: the shared line, and the offer that was shown."""
    cost = -1 if lesson.taken else 0
    chance = max(lesson.probability, RAREST)
    return [shared(lesson.bucket), f"0:{cost}:{chance:.6f} |o offer={lesson.offer_id}"]


def shared(bucket: str) -> str:
    """What of a bucket is channel and what is person, without the characters of the format."""
    channel, *known = bucket.split("|")
    features = [f"f{n}={_word(fact)}" for n, fact in enumerate(known)]
    return f"shared |c channel={_word(channel)} |f {' '.join(features)}"


def scores_of(
    workspace: Workspace, buckets: Iterable[str], offer_ids: Sequence[int]
) -> dict[str, dict[int, float]]:
    """How likely the model holds each offer to be taken in each bucket: minus the cost."""
    lines = [f"|o offer={id}" for id in offer_ids]
    found: dict[str, dict[int, float]] = {}
    for bucket in buckets if offer_ids else ():
        costs = workspace.predict([shared(bucket), *lines])
        assert isinstance(costs, list)
        found[bucket] = {id: -cost for id, cost in zip(offer_ids, costs, strict=True)}
    return found


def opened(model: bytes | None) -> Workspace:
    """The learner as it was left, or a new one."""
    if not model:
        return Workspace(f"{ARGUMENTS} --random_seed 7")
    with tempfile.NamedTemporaryFile(suffix=".vw") as file:
        file.write(model)
        file.flush()
        return Workspace(f"--quiet -i {file.name}")


def closed(workspace: Workspace) -> bytes:
    """The learner's bytes; it is of no use afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.vw")
        workspace.save(path)
        workspace.finish()
        with open(path, "rb") as file:
            return file.read()


def _next_version(conn: Connection, lessons: Sequence[Lesson], *, now: datetime) -> None:
    row = conn.execute(
        "SELECT model, counts, scores FROM decision_models ORDER BY version DESC LIMIT 1"
    ).fetchone()
    model, counted, scores = row or (None, {}, None)
    counts = _counted(counted, lessons)
    workspace = opened(bytes(model) if model else None)
    for lesson in lessons:
        workspace.learn(examples(lesson))
    seen = [*dict.fromkeys(reversed([lesson.bucket for lesson in lessons]))]
    earlier = list(unpack(bytes(scores))) if scores else []
    channels = {bucket.partition("|")[0] for bucket in seen + earlier}
    buckets = [*sorted(channels), *(b for b in dict.fromkeys(seen + earlier) if b not in channels)]
    live = [offer.id for offer in offers.live(conn).offers]
    found = scores_of(workspace, buckets[:BUCKETS], live)
    conn.execute(
        "INSERT INTO decision_models (at, learned, model, counts, scores)"
        " VALUES (%s, %s, %s, %s, %s)",
        (now, len(lessons), closed(workspace), Jsonb(counts), pack(found)),
    )
    conn.execute(
        "UPDATE decision_models SET model = NULL, scores = NULL WHERE model IS NOT NULL"
        " AND version <= (SELECT max(version) FROM decision_models) - %s",
        (KEPT,),
    )


def _counted(
    counted: Mapping[str, Sequence[int]], lessons: Iterable[Lesson]
) -> dict[str, list[int]]:
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for id, (shown, taken) in counted.items():
        counts[id] = [shown, taken]
    for lesson in lessons:
        of = counts[str(lesson.offer_id)]
        of[0] += 1
        of[1] += lesson.taken
    return dict(counts)


def _lessons(row: tuple[Any, ...], how: Policy) -> list[Lesson]:
    """One for each offer of the decision that was shown; what was taken was shown."""
    _id, inputs, chosen, probabilities, seen, taken = row
    facts = _FACTS.decode(inputs)
    bucket = bucket_of(facts, how.settings.facts)
    return [
        Lesson(bucket, offer, chance, offer in taken)
        for offer, chance in zip(chosen, probabilities, strict=True)
        if offer in seen
    ]


def _alone(conn: Connection) -> bool:
    row = conn.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", locks.PROPENSITY).fetchone()
    return bool(row and row[0])


def _word(text: str) -> str:
    return "".join(c if c.isalnum() or c in "._-" else "_" for c in text)[:60] or "_"


_FACTS = msgspec.json.Decoder(Facts)
# Any answer to an offer means that it was seen.
_SETTLED = """
SELECT d.id, d.inputs, d.chosen, d.probabilities, coalesce(o.seen, '{}'), coalesce(o.taken, '{}')
FROM decisions d
LEFT JOIN LATERAL (
  SELECT array_agg(DISTINCT offer_id) AS seen,
         array_agg(DISTINCT offer_id) FILTER (WHERE outcome = %(taken)s) AS taken
  FROM offer_outcomes x WHERE x.decision_id = d.id
) o ON true
WHERE d.learning = 0 AND d.first_offer IS NOT NULL AND d.at < %(old)s
ORDER BY d.at, d.id LIMIT %(limit)s
FOR UPDATE OF d SKIP LOCKED
"""
