"""A message as one customer would see it, before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from touchloop.channels.email import letters, templates, tokens
from touchloop.channels.email.channel import reader_of
from touchloop.channels.email.letters import House, Words
from touchloop.channels.email.templates import Written
from touchloop.core import settings
from touchloop.core.db import Connection
from touchloop.core.errors import NotFound


def preview(
    conn: Connection,
    written: Written,
    *,
    customer_id: int | None,
    data: Mapping[str, Any],
    now: datetime,
) -> Words:
    """Subject, HTML and text for a customer (None: nobody in particular).

    The same rendering as for sending, with the same consent; the personal links lead nowhere. Show
    the HTML in a frame without rights (`sandbox`). Raises Invalid when it cannot be rendered.
    """
    reader = reader_of(conn, customer_id, written.kind) if customer_id is not None else {}
    house = _house()
    said = letters.words(written, data, reader=reader, house=house, measured=False)
    return letters.seen(said, house=house)


def version(conn: Connection, slug: str, version: int = 0) -> Written:
    """A saved version, ready for `preview`. Raises NotFound."""
    found = templates.get(conn, slug, version)
    written = templates.written(conn, [(found.slug, found.version)])
    if not written:
        raise NotFound(slug)
    return written[found.slug, found.version]


def _house() -> House:
    """As it is set up; where it is not yet, what there is."""
    name, address = settings.mail_from() or ("", "hello@example.com")
    return House(
        name, address, "", settings.postal_address(), settings.customers_url(), tokens.seal()
    )
