"""Which inputs tell only what a segment's own rule asks: they would find the members again."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from touchloop.insight.likeness.people import HABITS, Column, Material
from touchloop.insight.models.api import Run
from touchloop.insight.segments import api as segments
from touchloop.lake.api import among, lit


def refusals(run: Run, rule: Any, material: Material) -> dict[Column, str]:
    """The columns that are refused for this rule (JSON), each with the reason in words.

    Events, channels and traits by name; departments that hold a product asked about; and all
    habits when the rule asks how often, how much, how long ago or in which order somebody came.
    """
    asked = segments.subjects(run.conn, rule)
    refused = {Column("event", name) for name in asked.events}
    refused |= {Column("channel", name) for name in asked.channels}
    for field, values, part in asked.lines:
        refused |= _departments(run, field, values, part=part)
    if asked.habits:
        refused |= {Column("habit", name) for name in HABITS}
    refused |= {
        column
        for column in material.counts
        if column.kind == "trait" and column.value.partition("=")[0] in asked.traits
    }
    why = _("the segment's own rule asks about it")
    return {column: why for column in sorted(refused & material.counts.keys())}


def _departments(run: Run, field: str, values: tuple[str, ...], *, part: bool) -> set[Column]:
    if field == "department" and not part:
        return {Column("department", value) for value in values}
    which = f"CONTAINS({field}, {lit(values[0])})" if part else among(field, values)
    rows = run.engine.rows(f"SELECT DISTINCT department FROM lines WHERE {which}")
    return {Column("department", row[0]) for row in rows if row[0]}
