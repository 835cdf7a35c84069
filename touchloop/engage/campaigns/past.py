"""Campaigns that other systems ran, as the log holds them: who was written to, who took it up.

They had no holdout that is known, so nothing is said of what they gained.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from touchloop.core.db import Connection
from touchloop.core.proportions import Share, share

DELIVERED, REDEEMED = "Campaign Delivered", "Coupon Redeemed"


@dataclass(frozen=True, slots=True)
class Past:
    """One campaign: when it ran, the share of the reached who redeemed, and how often they did."""

    campaign_id: str
    type: str
    source: str
    starts_at: datetime | None
    ends_at: datetime | None
    delivered: int
    redeemed: Share
    redemptions: int
    coupons: int


def past(conn: Connection) -> list[Past]:
    """All of them, the newest first. Reads what was delivered and redeemed, and nothing else."""
    return [
        Past(
            campaign_id=row[0],
            type=row[1] or "",
            source=row[2],
            starts_at=row[3],
            ends_at=row[4],
            delivered=row[5],
            redeemed=share(min(row[6], row[5]), row[5]),
            redemptions=row[7],
            coupons=row[8],
        )
        for row in conn.execute(_PAST, {"delivered": DELIVERED, "redeemed": REDEEMED}).fetchall()
    ]


_PAST = """
WITH said AS MATERIALIZED (
  SELECT k.name, x.body::json -> 'properties' AS p, i.customer_id, x.source_id, x.occurred_at
  FROM interactions x
  JOIN kinds k ON k.id = x.kind_id AND k.type = 'track' AND k.name IN (%(delivered)s, %(redeemed)s)
  JOIN identifiers i ON i.id = x.subject_id
), delivered AS (
  SELECT p ->> 'campaign_id' AS id, min(p ->> 'campaign_type') AS type, min(source_id) AS source_id,
         min(coalesce(p ->> 'starts_at', occurred_at::text)::timestamptz) AS starts_at,
         max((p ->> 'ends_at')::timestamptz) AS ends_at, count(DISTINCT customer_id) AS n
  FROM said WHERE name = %(delivered)s AND p ->> 'campaign_id' IS NOT NULL GROUP BY 1
), redeemed AS (
  SELECT p ->> 'campaign_id' AS id, count(DISTINCT customer_id) AS n, count(*) AS times,
         count(DISTINCT p ->> 'coupon_upc') AS coupons
  FROM said WHERE name = %(redeemed)s GROUP BY 1
)
SELECT d.id, d.type, s.name, d.starts_at, d.ends_at, d.n, coalesce(r.n, 0), coalesce(r.times, 0),
       coalesce(r.coupons, 0)
FROM delivered d JOIN sources s ON s.id = d.source_id LEFT JOIN redeemed r ON r.id = d.id
ORDER BY d.starts_at DESC, d.id
"""
