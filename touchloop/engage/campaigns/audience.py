"""Who belongs to a campaign, and to which of its arms: drawn by a keyed hash, so repeatable."""

from __future__ import annotations

from datetime import datetime
from hashlib import md5

from touchloop.core import arrays
from touchloop.core.db import Connection
from touchloop.engage.campaigns.plan import Plan


def join(
    conn: Connection,
    campaign_id: int,
    plan: Plan,
    seed: str,
    now: datetime,
    *,
    since: datetime | None,
) -> int:
    """Take in the members of the segment who are not in the campaign, under any identifier.

    Only those who entered at `since` or later; None: everybody. Returns how many joined.
    """
    names, ends = plan.arms
    return conn.execute(
        _JOIN,
        {
            "campaign": campaign_id,
            "segment": plan.segment,
            "since": since,
            "seed": seed,
            "names": arrays.texts(names),
            "ends": arrays.numbers(ends),
            "now": now,
        },
    ).rowcount


def drawn(seed: str, subject_id: int) -> float:
    """Where between 0 and 1 this customer is drawn, as the statement draws."""
    digest = md5(f"{seed}:{subject_id}".encode(), usedforsecurity=False).hexdigest()
    return int(digest[:8], 16) / 2**32


def arm_of(plan: Plan, seed: str, subject_id: int) -> str:
    """The variant that this customer is drawn into; "" is the holdout."""
    names, ends = plan.arms
    at = drawn(seed, subject_id)
    return names[sum(end <= at for end in ends)]


# The first eight digits of the hash draw the arm, the next eight the order of sending.
_JOIN = """
INSERT INTO campaign_members
  (campaign_id, subject_id, variant, state, place, joined_at, next_at)
SELECT %(campaign)s, s.customer_id, a.variant,
       CASE WHEN a.variant = '' THEN 'holdout' ELSE 'waiting' END,
       ('x' || substr(s.hash, 9, 8))::bit(32)::int, %(now)s, %(now)s
FROM (
  SELECT m.customer_id, md5(%(seed)s || ':' || m.customer_id) AS hash
  FROM segment_members m
  WHERE m.segment_id = %(segment)s
    AND (%(since)s::timestamptz IS NULL OR m.since >= %(since)s)
    AND NOT EXISTS (
      SELECT FROM identifiers i
      JOIN campaign_members c ON c.subject_id = i.id AND c.campaign_id = %(campaign)s
      WHERE i.customer_id = m.customer_id
    )
) s
CROSS JOIN LATERAL (
  SELECT (%(names)s::text[])[1 + width_bucket(
    ('x' || substr(s.hash, 1, 8))::bit(32)::bigint / 4294967296.0::float8, %(ends)s::float8[]
  )] AS variant
) a
ON CONFLICT DO NOTHING
"""
