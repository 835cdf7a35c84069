"""What every page of the room shares: its tabs, customers by name, ids out of addresses."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext as _

from touchloop.console.customers import listing
from touchloop.console.customers.sight import Sight
from touchloop.console.messages import mail
from touchloop.core.db import Connection
from touchloop.profiles import api as profiles

Tab = tuple[str, str, bool, int | None]
LARGEST_INT = 2**31 - 1
LARGEST_BIGINT = 2**63 - 1


def tabs(conn: Connection, here: str) -> list[Tab]:
    """The parts of the room; the demo's inbox only where there is one."""
    parts = [
        ("campaigns", _("Campaigns"), "messages"),
        ("triggers", _("Triggers"), "triggers"),
        ("templates", _("Templates"), "templates"),
        ("outbox", _("Outbox"), "outbox"),
        ("policy", _("Contact policy"), "contact_policy"),
        ("webhooks", _("Webhooks"), "webhooks"),
    ]
    if mail.has_inbox(conn):
        parts.append(("inbox", _("Demo inbox"), "demo_inbox"))
    return [(label, reverse(route), key == here, None) for key, label, route in parts]


def small(id: int) -> int:
    """An id that a column of 32 bits can hold. Raises Http404."""
    if not 0 < id <= LARGEST_INT:
        raise Http404
    return id


def large(id: int) -> int:
    """An id that a column of 64 bits can hold. Raises Http404."""
    if not 0 < id <= LARGEST_BIGINT:
        raise Http404
    return id


def number(text: str) -> int | None:
    """A whole number of an address; None for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def called(conn: Connection, customer_ids: Iterable[int], sees: Sight) -> dict[int, str]:
    """What customers are called for this reader; whoever is gone is left out."""
    named = profiles.names(conn, sorted(set(customer_ids)))
    return {
        id: listing.called(each.display_name, each.leader, each.id, sees)
        for id, each in named.items()
    }


def address(value: str, sees: Sight) -> str:
    """An address as this reader may see it."""
    return value if sees.contact or not value else "•••"
