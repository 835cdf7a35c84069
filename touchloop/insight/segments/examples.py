"""Four segments that come with the demo, each a sentence of this field."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_noop as _

from touchloop.core.db import Connection
from touchloop.insight.segments import keeping
from touchloop.insight.segments.keeping import Segment

ORDER = "Order Completed"


@dataclass(frozen=True, slots=True)
class Example:
    """A segment ready to be made."""

    slug: str
    name: str
    purpose: str
    rule: dict[str, Any]


def _lines(field: str, *values: str) -> dict[str, Any]:
    return {"events": [ORDER], "lines": [{"field": field, "op": "in", "value": list(values)}]}


def _days(n: int) -> dict[str, Any]:
    return {"window": {"last": n, "unit": "days"}}


EXAMPLES = (
    Example(
        "weekly-never-deli",
        _("Shops every week but has never bought from DELI"),
        "personalise",
        {
            "all": [
                {
                    "interactions": {
                        "events": [ORDER], "measure": "distinct", "of": "week",
                        "op": "gte", "value": 7, "window": {"last": 8, "unit": "weeks"},
                    }
                },
                {"not": {"interactions": _lines("department", "DELI")}},
            ]
        },
    ),
    Example(
        "diapers-no-baby-food",
        _("Bought diapers but not baby food in 60 days"),
        "improve",
        {
            "all": [
                {"interactions": _lines("category", "DIAPERS & DISPOSABLES") | _days(60)},
                {
                    "interactions": _lines("category", "BABY FOODS")
                    | {"measure": "absence"}
                    | _days(60)
                },
            ]
        },
    ),
    Example(
        "top-spenders-among-peers",
        _("Spent more than 95 % of comparable households"),
        "improve",
        {"score": {"name": "spend_percentile", "op": "gt", "value": 0.95}},
    ),
    Example(
        "overdue-three-intervals",
        _("Has not come for three of its own usual intervals"),
        "personalise",
        {"overdue": {"events": [ORDER], "intervals": 3, "min_days": 8}},
    ),
)  # fmt: skip


def install_examples(conn: Connection, *, now: datetime, actor: int | None = None) -> list[Segment]:
    """Make those examples that are not there yet; gives the new ones, to be filled."""
    known = {segment.slug for segment in keeping.listing(conn=conn)}
    return [
        keeping.create(
            example.name, rule=example.rule, purpose=example.purpose, actor=actor, now=now,
            slug=example.slug, conn=conn,
        )
        for example in EXAMPLES
        if example.slug not in known
    ]  # fmt: skip
