"""Customers by name, for lists that mention them: whom the reader may open, by which name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from touchloop.console.customers import listing, sight
from touchloop.console.customers.sight import Sight
from touchloop.console.ui import cells
from touchloop.core import access, arrays
from touchloop.core.access import Actor
from touchloop.core.db import Connection
from touchloop.profiles import api as profiles


@dataclass(frozen=True, slots=True)
class Whom:
    """A customer to point at; without `url` for whom the reader may not open."""

    name: str
    url: str


def scope(actor: Actor) -> frozenset[str] | None:
    """The locations that this person sees; None: everywhere."""
    seen = access.scope(actor)
    return None if seen.everybody else frozenset(seen.locations)


def customers(
    conn: Connection, ids: Iterable[int | None], sees: Sight
) -> Mapping[int | None, Whom]:
    """These customers, as one set; those that are gone or nobody are left out."""
    wanted = sorted({id for id in ids if id is not None})
    if not wanted:
        return {}
    named = profiles.names(conn, wanted)
    open_to = _within(conn, wanted, sees)
    return {
        id: Whom(
            listing.called(each.display_name, each.leader, each.id, sees)
            if id in open_to
            else _("Customer %d") % id,
            reverse("customer", args=[id]) if id in open_to else "",
        )
        for id, each in named.items()
    }


def cell(whom: Whom | None) -> SafeString:
    """The customer in a table."""
    if whom is None:
        return cells.quiet(None)
    if not whom.url:
        return format_html('<bdi class="quiet">{}</bdi>', whom.name)
    return format_html('<a href="{}"><bdi>{}</bdi></a>', whom.url, whom.name[:80])


def place_names(conn: Connection, locations: Iterable[str]) -> dict[str, str]:
    """What places are called, by location."""
    wanted = sorted({each for each in locations if each})
    if not wanted:
        return {}
    rows = conn.execute(_PLACES, (arrays.texts(wanted),)).fetchall()
    return {location: name or location for location, name in rows}


def _within(conn: Connection, ids: list[int], sees: Sight) -> set[int]:
    places = sight.touchpoints(sees, conn)
    if places is None:
        return set(ids)
    rows = conn.execute(_WITHIN, (arrays.numbers(ids), arrays.numbers(places))).fetchall()
    return {row[0] for row in rows}


_PLACES = "SELECT location, min(name) FROM touchpoints WHERE location = ANY(%s::text[]) GROUP BY 1"
_WITHIN = """
SELECT DISTINCT i.customer_id FROM identifiers i JOIN visits v ON v.subject_id = i.id
WHERE i.customer_id = ANY(%s::bigint[]) AND v.touchpoint_id = ANY(%s::int[])
"""
