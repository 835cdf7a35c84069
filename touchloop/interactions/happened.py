"""What a micro-batch brought, as the rooms that act on it see it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple


class Happened(NamedTuple):
    """One interaction that was just written to the log, with the customer it belongs to now."""

    interaction_id: int
    subject_id: int
    customer_id: int
    type: str
    name: str
    properties: dict[str, Any]
    channel: str
    location: str
    stage: str
    occurred_at: datetime
    source_kind: str
    source_slug: str
