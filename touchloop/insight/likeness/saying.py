"""Inputs in words: as a clause of their own, and as a reason why somebody resembles others."""

from __future__ import annotations

from django.utils.translation import gettext as _

from touchloop.insight.likeness.people import Column


def clause(column: Column) -> str:
    """What the input is."""
    if column.kind == "trait":
        name, _equals, value = column.value.partition("=")
        return f"{name}: {value}"
    return {
        "orders": _("number of orders"),
        "spend": _("spend"),
        "recency": _("days since the last visit"),
        "tenure": _("days since the first visit"),
    }.get(column.value, column.value) if column.kind == "habit" else {
        "department": _("buys from %s"),
        "channel": _("comes by %s"),
        "event": _("has had %s"),
    }[column.kind] % column.value  # fmt: skip


def says(column: Column, much: bool) -> str:
    """Why it makes somebody alike: because there is much of it, or little."""
    if column.kind == "habit":
        words = {
            "orders": (_("orders often"), _("orders seldom")),
            "spend": (_("spends much"), _("spends little")),
            "recency": (_("was last here long ago"), _("was here lately")),
            "tenure": (_("is known for long"), _("is new")),
        }[column.value]
    elif column.kind == "trait":
        name, _equals, value = column.value.partition("=")
        words = (f"{name}: {value}", _("not %(name)s: %(value)s") % {"name": name, "value": value})
    else:
        often, seldom = {
            "department": (_("buys from %s often"), _("buys from %s seldom or never")),
            "channel": (_("comes by %s often"), _("comes by %s seldom or never")),
            "event": (_("has had %s often"), _("has had %s seldom or never")),
        }[column.kind]
        words = (often % column.value, seldom % column.value)
    return words[0] if much else words[1]
