"""What other rooms may call."""

from __future__ import annotations

from touchloop.insight.motion.figures import (
    COUNTED,
    RECENT,
    Day,
    Row,
    UsedBy,
    days,
    due,
    latest,
    refresh,
    rows,
    share_allowed,
)
from touchloop.insight.motion.uses import (
    Item,
    Use,
    What,
    keep,
    of_origin,
    of_rule,
    of_template,
    property_of,
)

__all__ = [
    "COUNTED", "RECENT", "Day", "Item", "Row", "Use", "UsedBy", "What", "days", "due", "keep",
    "latest", "of_origin", "of_rule", "of_template", "property_of", "refresh", "rows",
    "share_allowed",
]  # fmt: skip
