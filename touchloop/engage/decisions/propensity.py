"""How likely each offer is taken: the model's word, smoothed by evidence.

A model is learned apart from deciding (learning.py). What it says of each offer in each bucket (a
channel, with the few facts that may be used) is written down with it, so that a decision reads a
table and never waits for the learner.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from touchloop.core.db import Connection
from touchloop.engage.decisions.facts import Facts
from touchloop.engage.offers.api import Offer

LEAST, MOST = 0.0005, 0.999


@dataclass(frozen=True, slots=True)
class Model:
    """One version. `counts` has (shown, taken) by offer, `scores` by bucket and offer."""

    version: int = 0
    counts: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    scores: Mapping[str, Mapping[int, float]] = field(default_factory=dict)


def bucket_of(facts: Facts, names: Sequence[str]) -> str:
    """The bucket of a decision: its channel; and what may be used of the person, or nothing."""
    if not facts.profiled:
        return facts.channel
    known = [facts.stage, *(str(facts.traits.get(name))[:40] for name in names)]
    return "|".join([facts.channel, *(word.replace("|", "/") for word in known)])


def propensities(model: Model, offers: Sequence[Offer], bucket: str) -> list[float]:
    """The propensity of each offer in a bucket; one that was never learned is that of the channel.

    base = (prior_n prior_p + taken) / (prior_n + shown), and of shown / (shown + prior_n) the
    model's word instead: a new offer is its starting evidence, an old one what was learned.
    """
    scores = model.scores.get(bucket) or model.scores.get(bucket.partition("|")[0]) or {}
    return [
        blend(offer, *model.counts.get(offer.id, (0, 0)), scores.get(offer.id)) for offer in offers
    ]


def of_customer(
    model: Model, offers: Sequence[Offer], bucket: str, *, learned: list[float],
    scores: Mapping[str, float],
) -> list[float]:  # fmt: skip
    """The propensities of a bucket, `learned`, for one customer.

    Where a score of the customer is an offer's starting evidence, it takes the place of the offer's
    starting propensity. Probabilities are expected; what lies outside counts as the nearest.
    """
    words = model.scores.get(bucket) or model.scores.get(bucket.partition("|")[0]) or {}
    found = list(learned)
    for n, offer in enumerate(offers):
        start = scores.get(offer.starting_score) if offer.starting_score else None
        if start is not None:
            counts = model.counts.get(offer.id, (0, 0))
            found[n] = blend(offer, *counts, words.get(offer.id), start=start)
    return found


def blend(
    offer: Offer, shown: int, taken: int, score: float | None, *, start: float | None = None
) -> float:
    """One propensity, between LEAST and MOST, as a 32-bit float: so it is stored in four bytes."""
    evidence = offer.starting_evidence
    start = offer.starting_propensity if start is None else min(max(start, LEAST), MOST)
    base = (evidence * start + taken) / (evidence + shown)
    if score is not None:
        trust = shown / (shown + evidence)
        base = (1 - trust) * base + trust * min(max(score, LEAST), MOST)
    return float(struct.unpack("<f", struct.pack("<f", min(max(base, LEAST), MOST)))[0])


def pack(scores: Mapping[str, Mapping[int, float]]) -> bytes:
    """Scores as they are kept: per bucket the offers' numbers and as many 32-bit floats."""
    return msgspec.msgpack.encode(
        {
            bucket: (list(row), struct.pack(f"<{len(row)}f", *row.values()))
            for bucket, row in scores.items()
        }
    )


def unpack(packed: bytes) -> dict[str, dict[int, float]]:
    """The inverse of `pack`."""
    rows = msgspec.msgpack.decode(packed, type=dict[str, tuple[list[int], bytes]])
    return {
        bucket: dict(zip(ids, struct.unpack(f"<{len(ids)}f", floats), strict=True))
        for bucket, (ids, floats) in rows.items()
    }


def model(conn: Connection, version: int) -> Model:
    """One version of what was learned; 0 is the time before anything was."""
    row = conn.execute(
        "SELECT version, counts, scores FROM decision_models WHERE version = %s", (version,)
    ).fetchone()
    if row is None:
        return Model()
    counts = {int(id): (shown, taken) for id, (shown, taken) in row[1].items()}
    return Model(row[0], counts, unpack(bytes(row[2])) if row[2] else {})
