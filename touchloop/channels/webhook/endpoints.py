"""The addresses that the webhook channel posts to. Keys are made here, shown once, never listed."""

from __future__ import annotations

import base64
import json
import re
import secrets as random_secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.translation import gettext as _
from psycopg import errors

from touchloop.channels.webhook import posting
from touchloop.channels.webhook.guard import NOWHERE, Place, judged
from touchloop.core import ids
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid, NotFound

KEY_BYTES: Final = 32
_SLUG: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address, as pages may show it."""

    id: int
    slug: str
    name: str
    url: str
    enabled: bool
    rotating: bool
    changed_at: datetime


def create_endpoint(
    conn: Connection,
    *,
    slug: str,
    name: str,
    url: str,
    now: datetime,
    allow: frozenset[Place] = NOWHERE,
) -> tuple[Endpoint, str]:
    """A new endpoint and its key, which is not given again. Raises Invalid, Unavailable."""
    if not _SLUG.fullmatch(slug):
        raise Invalid("slug", _("use small letters, digits and hyphens"))
    _checked(name, url, allow)
    secret = _new_secret()
    try:
        with conn.transaction():
            conn.execute(
                "INSERT INTO webhook_endpoints (slug, name, url, secret, created_at, changed_at)"
                " VALUES (%s, %s, %s, %s, %s, %s)",
                (slug, name.strip(), url, secret, now, now),
            )
    except errors.UniqueViolation as error:
        raise Invalid("slug", _("this short name is taken")) from error
    return get_endpoint(conn, slug), secret


def change_endpoint(
    conn: Connection,
    slug: str,
    *,
    name: str,
    url: str,
    enabled: bool,
    now: datetime,
    allow: frozenset[Place] = NOWHERE,
) -> Endpoint:
    """Other values for an endpoint. Raises Invalid, NotFound, Unavailable."""
    _checked(name, url, allow)
    conn.execute(
        "UPDATE webhook_endpoints SET name = %s, url = %s, enabled = %s, changed_at = %s"
        " WHERE slug = %s",
        (name.strip(), url, enabled, now, slug),
    )
    return get_endpoint(conn, slug)


def remove_endpoint(conn: Connection, slug: str) -> None:
    """Take an endpoint away; what still waits for it is dropped when its turn comes. NotFound."""
    get_endpoint(conn, slug)
    conn.execute("DELETE FROM webhook_endpoints WHERE slug = %s", (slug,))


def rotate_secret(conn: Connection, slug: str, *, now: datetime) -> str:
    """A new key beside the one that holds; both sign until `drop_former_secret`."""
    get_endpoint(conn, slug)
    secret = _new_secret()
    conn.execute(
        "UPDATE webhook_endpoints SET former_secret = secret, secret = %s, changed_at = %s"
        " WHERE slug = %s",
        (secret, now, slug),
    )
    return secret


def drop_former_secret(conn: Connection, slug: str, *, now: datetime) -> None:
    """End the change of keys: the former one signs no more."""
    conn.execute(
        "UPDATE webhook_endpoints SET former_secret = '', changed_at = %s WHERE slug = %s",
        (now, slug),
    )


def try_endpoint(
    conn: Connection, slug: str, *, now: datetime, allow: frozenset[Place] = NOWHERE
) -> posting.Posted:
    """Post a trial message; says what became of it, not what was answered. Raises NotFound."""
    get_endpoint(conn, slug)
    ((url, keys),) = addresses(conn, [slug], enabled_only=False).values()
    body = json.dumps({"type": "trial", "timestamp": now.isoformat(), "data": {}})
    return posting.post(
        url, body, message_id=f"trial.{ids.uuid7()}", secrets=keys, now=now, allow=allow
    )


def get_endpoint(conn: Connection, slug: str) -> Endpoint:
    """One endpoint; NotFound when there is none."""
    for one in endpoints(conn):
        if one.slug == slug:
            return one
    raise NotFound(_("There is no endpoint of this name."))


def endpoints(conn: Connection) -> list[Endpoint]:
    """All endpoints by name, without their keys."""
    rows = conn.execute(
        "SELECT id, slug, name, url, enabled, former_secret <> '', changed_at"
        " FROM webhook_endpoints ORDER BY lower(name), id"
    )
    return [Endpoint(*row) for row in rows]


def addresses(
    conn: Connection, slugs: Sequence[str], *, enabled_only: bool = True
) -> dict[str, tuple[str, tuple[str, ...]]]:
    """For sending: the address and the keys of endpoints, the newest key first."""
    rows = conn.execute(
        "SELECT slug, url, secret, former_secret FROM webhook_endpoints"
        " WHERE slug = ANY(%s) AND (enabled OR NOT %s)",
        (list(slugs), enabled_only),
    )
    return {slug: (url, (key, former) if former else (key,)) for slug, url, key, former in rows}


def _checked(name: str, url: str, allow: frozenset[Place]) -> None:
    if not 1 <= len(name.strip()) <= 120:
        raise Invalid("name", _("a name is needed"))
    judged(url, timeout=posting.SECONDS, allow=allow)


def _new_secret() -> str:
    return "whsec_" + base64.b64encode(random_secrets.token_bytes(KEY_BYTES)).decode()
