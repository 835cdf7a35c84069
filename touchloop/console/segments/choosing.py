"""What a rule can be built from: names and values as they occur, for suggestions while typing."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
from django.utils.translation import gettext as _

from touchloop.console.customers import wording
from touchloop.console.customers.listing import STAGES
from touchloop.console.customers.sight import Sight
from touchloop.console.segments.words import PURPOSES
from touchloop.core.db import Connection
from touchloop.insight.segments import api as segments
from touchloop.profiles import api as profiles

SAMPLE = 600
VALUES = 40


def choices(conn: Connection, sees: Sight, *, without: int | None = None) -> dict[str, Any]:
    """Everything the builder suggests from."""
    lines = conn.execute(_LINES).fetchall()
    return {
        "events": [row[0] for row in conn.execute(_EVENTS).fetchall()],
        "departments": _most(row[0] for row in lines),
        "categories": _most(row[1] for row in lines),
        "brands": _most(row[2] for row in lines),
        "products": _most(row[3] for row in lines),
        "channels": [row[0] for row in conn.execute(_CHANNELS).fetchall()],
        "locations": profiles.known_locations(conn, limit=200),
        "scores": [row[0] for row in conn.execute(_SCORES).fetchall()],
        "segments": [
            (each.id, each.name) for each in segments.listing(conn=conn) if each.id != without
        ],
        "stages": [(stage, wording.stage(stage)) for stage in STAGES],
        "purposes": [(name, str(words)) for name, words in PURPOSES.items()],
        "traits": _traits(conn, sees),
        "compares": [
            ("gte", _("at least")),
            ("gt", _("more than")),
            ("lte", _("at most")),
            ("lt", _("less than")),
            ("eq", _("exactly")),
            ("ne", _("not exactly")),
        ],
        "ages": [("gt", _("more than")), ("lt", _("less than"))],
        "units": [
            ("days", _("days")),
            ("weeks", _("weeks")),
            ("months", _("months")),
            ("hours", _("hours")),
        ],
        "line_fields": [
            ("department", _("department")),
            ("category", _("category")),
            ("brand", _("brand")),
            ("product", _("product")),
            ("product_id", _("product number")),
        ],
    }


def _traits(conn: Connection, sees: Sight) -> dict[str, list[str]]:
    """Traits with values that occur, from the customers changed last."""
    found: dict[str, Counter[str]] = {}
    for (text,) in conn.execute(_TRAITS, {"sample": SAMPLE}).fetchall():
        for name, fact in msgspec.json.decode(text).items():
            if sees.shows_trait(name) and name.lower() not in ("name", "firstname", "lastname"):
                values = found.setdefault(name, Counter())
                if isinstance(fact["v"], (str, int, float)):
                    values[str(fact["v"])[:80]] += 1
    return {
        name: [value for value, _n in values.most_common(VALUES)] for name, values in found.items()
    }


def _most(values: Any) -> list[str]:
    counted = Counter(value for value in values if value)
    return [value for value, _n in counted.most_common(200)]


_EVENTS = (
    "SELECT name FROM kinds WHERE type = 'track' AND name <> '' GROUP BY name"
    " ORDER BY sum(volume) DESC, name LIMIT 200"
)
_CHANNELS = "SELECT DISTINCT channel FROM touchpoints ORDER BY 1 LIMIT 50"
_SCORES = "SELECT name FROM (SELECT name FROM scores LIMIT 20000) s GROUP BY name ORDER BY name"
_LINES = (
    "SELECT department, category, brand, name FROM interaction_lines"
    " ORDER BY interaction_id DESC LIMIT 8000"
)
_TRAITS = "SELECT traits::text FROM customers ORDER BY id DESC LIMIT %(sample)s"
