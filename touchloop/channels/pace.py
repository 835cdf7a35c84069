"""How often a person wants to hear from the company: a pause, or at most so many a week."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString

from django.utils.translation import gettext as _

from touchloop.core import arrays
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid

MOST_PER_WEEK: Final = 100


@dataclass(frozen=True, slots=True)
class Pace:
    """A person's own pace; None where nothing was chosen."""

    paused_until: datetime | None = None
    per_week: int | None = None


def set_pace(
    conn: Connection,
    subject_id: int,
    *,
    paused_until: datetime | None,
    per_week: int | None,
    at: datetime,
) -> None:
    """Keep what the person chose, in the place of what was chosen before. Raises Invalid."""
    if per_week is not None and not 0 <= per_week <= MOST_PER_WEEK:
        raise Invalid("per_week", _("between 0 and %d a week") % MOST_PER_WEEK)
    conn.execute(_KEEP, (subject_id, paused_until, per_week, at))


def paces(conn: Connection, customer_ids: Sequence[int]) -> dict[int, Pace]:
    """The pace of each customer that chose one; of several identifiers the slower holds."""
    rows = conn.execute(_READ, (arrays.numbers(customer_ids),))
    return {customer: Pace(paused, week) for customer, paused, week in rows}


_KEEP: LiteralString = """
INSERT INTO contact_pace (subject_id, paused_until, per_week, at) VALUES (%s, %s, %s, %s)
ON CONFLICT (subject_id) DO UPDATE
SET paused_until = excluded.paused_until, per_week = excluded.per_week, at = excluded.at
"""
_READ: LiteralString = """
SELECT i.customer_id, max(p.paused_until), min(p.per_week)
  FROM identifiers i JOIN contact_pace p ON p.subject_id = i.id
 WHERE i.customer_id = ANY(%s::bigint[]) GROUP BY 1
"""
