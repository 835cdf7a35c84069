"""Reading one customer for the page: only within the reader's sight."""

from __future__ import annotations

from django.http import Http404
from django.utils.translation import gettext as _

from touchloop.console.customers import sight
from touchloop.console.customers.sight import Sight
from touchloop.core.db import Connection
from touchloop.core.errors import NotFound
from touchloop.identity import api as identity
from touchloop.profiles import api as profiles
from touchloop.profiles.api import Customer


def within_sight(conn: Connection, id: int, sees: Sight) -> Customer:
    """The customer, as if there were none when the reader may not see it. Raises Http404."""
    try:
        customer = profiles.customer(conn, id)
    except NotFound as nobody:
        raise Http404(str(nobody)) from nobody
    if not sight.covers(sees, conn, customer.id):
        raise Http404(_("No customer has this number."))
    return customer


def subjects(conn: Connection, customer_id: int) -> list[int]:
    """The identifiers that the customer's interactions hang on."""
    return identity.subjects_of(conn, [customer_id]).get(customer_id, [])
