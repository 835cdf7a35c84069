"""Experiments that are over, as rooms above hand them in, and as learning reads them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from touchloop.core import arrays
from touchloop.core.db import Connection

CAMPAIGN = "campaign:"  # before the slug of a campaign; an offer's experiment is its bare slug


@dataclass(frozen=True, slots=True)
class Trial:
    """One person of one randomised experiment, when its outcome is known for good.

    `offer` names the experiment. `arm` says which treatment it was, where there are several.
    """

    offer: str
    subject_id: int
    treated: bool
    outcome: float
    at: datetime
    until: datetime
    arm: str = ""


def keep(conn: Connection, trials: Iterable[Trial]) -> int:
    """Remember trials; one that is known already stays as it was. How many were new."""
    given = list(trials)
    if not given:
        return 0
    done = conn.execute(
        _KEEP,
        {
            "offers": arrays.texts(each.offer for each in given),
            "subjects": arrays.numbers(each.subject_id for each in given),
            "treated": arrays.texts(str(each.treated).lower() for each in given),
            "outcomes": arrays.numbers(each.outcome for each in given),
            "ats": arrays.instants(each.at for each in given),
            "untils": arrays.instants(each.until for each in given),
            "arms": arrays.texts(each.arm for each in given),
        },
    )
    return done.rowcount


def settled_until(conn: Connection, campaign: str = "") -> datetime | None:
    """Up to when trials of offers that ended were handed in; or those of one campaign, by name."""
    where = "offer = %(name)s" if campaign else "NOT starts_with(offer, %(prefix)s)"
    row = conn.execute(
        f"SELECT max(until) FROM uplift_trials WHERE {where}".encode(),
        {"name": campaign, "prefix": CAMPAIGN},
    ).fetchone()
    found: datetime | None = row[0] if row else None
    return found


def offers(conn: Connection) -> list[tuple[str, int, int]]:
    """Each experiment with the people on its two sides (treated, held out), the largest first."""
    return [(name, treated, held) for name, treated, held in conn.execute(_OFFERS).fetchall()]


def of_offer(conn: Connection, offer: str) -> pa.Table:
    """Columns customer_id, treated, outcome, at, arm: each customer once, at his first trial.

    Who stands on two sides, because two identifiers turned out to be one person, is left out.
    """
    rows = conn.execute(_TRIALS, (offer,)).fetchall()
    columns = list(zip(*rows, strict=True)) if rows else [(), (), (), (), ()]
    kinds = (pa.int64(), pa.bool_(), pa.float64(), pa.timestamp("us"), pa.string())
    return pa.table(
        {
            name: pa.array(values, kind)
            for name, values, kind in zip(
                ("customer_id", "treated", "outcome", "at", "arm"), columns, kinds, strict=True
            )
        }
    )


_KEEP = """
INSERT INTO uplift_trials (offer, subject_id, treated, outcome, at, until, arm)
SELECT * FROM unnest(%(offers)s::text[], %(subjects)s::bigint[], %(treated)s::boolean[],
                     %(outcomes)s::float8[], %(ats)s::timestamptz[], %(untils)s::timestamptz[],
                     %(arms)s::text[])
ON CONFLICT DO NOTHING
"""
_OFFERS = """
SELECT offer, count(*) FILTER (WHERE treated), count(*) FILTER (WHERE NOT treated)
FROM uplift_trials GROUP BY offer ORDER BY count(*) DESC, offer
"""
_TRIALS = """
SELECT i.customer_id, bool_and(t.treated), max(t.outcome),
       min(t.at) AT TIME ZONE 'UTC', min(t.arm)
FROM uplift_trials t JOIN identifiers i ON i.id = t.subject_id
WHERE t.offer = %s
GROUP BY i.customer_id
HAVING bool_and(t.treated) = bool_or(t.treated) AND min(t.arm) = max(t.arm)
ORDER BY i.customer_id
"""
