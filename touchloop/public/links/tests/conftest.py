"""A customer with a message in the mailbox, and a browser without cookies."""

from __future__ import annotations

from touchloop.channels.email.tests.conftest import (
    conn,
    mail,
    nothing_kept,
    now,
    people,
    server,
    shop,
)

__all__ = ["conn", "mail", "nothing_kept", "now", "people", "server", "shop"]
