"""Sources: who may send, with which write key, and what their data may be used for by default."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import jsonschema

from touchloop.core import ids
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid, NotFound
from touchloop.interactions.models import Source as Row

# Channel and consent category that a kind of source has unless somebody says otherwise.
DEFAULTS = {
    "web": ("web", "behaviour"),
    "mobile": ("mobile", "behaviour"),
    "server": ("web", "bought"),
    "till": ("store", "bought"),
    "call_centre": ("call_centre", "tickets"),
    "import": ("import", "told_us"),
    "system": ("system", "inferred"),
    "demo": ("store", "bought"),
}
PLAN_MODES = ("allow", "warn", "quarantine")


@dataclass(frozen=True, slots=True)
class Source:
    """A source as other rooms see it."""

    id: int
    name: str
    slug: str
    kind: str
    channel: str
    category: str
    write_key: str
    enabled: bool
    require_signature: bool
    signing_secret: str
    plan_mode: str
    plan: dict[str, Any]
    trusted: bool
    created_at: datetime
    last_seen_at: datetime | None


def create(
    name: str,
    *,
    kind: str = "web",
    slug: str | None = None,
    channel: str | None = None,
    category: str | None = None,
    trusted: bool = False,
) -> Source:
    """Make a source with a new write key. Raises Invalid for an unknown kind or an empty name."""
    name = name.strip()
    if not name:
        raise Invalid("name", "give the source a name")
    if kind not in DEFAULTS:
        raise Invalid("kind", f"must be one of {', '.join(DEFAULTS)}")
    default_channel, default_category = DEFAULTS[kind]
    row = Row.objects.create(
        name=name[:200],
        slug=_free_slug(slug or name),
        kind=kind,
        channel=channel or default_channel,
        category=category or default_category,
        write_key=ids.write_key(),
        signing_secret=secrets.token_hex(32),
        trusted=trusted,
    )
    return _seen(row)


def ensure(
    slug: str,
    *,
    name: str,
    kind: str,
    trusted: bool,
    channel: str | None = None,
    category: str | None = None,
) -> Source:
    """The source with this slug, made when it is not there."""
    row = Row.objects.filter(slug=slug).first()
    if row is not None:
        return _seen(row)
    return create(name, kind=kind, slug=slug, trusted=trusted, channel=channel, category=category)


def every() -> list[Source]:
    """All sources, newest first; Touchloop itself last."""
    return [_seen(row) for row in Row.objects.order_by("kind", "-created_at")]


def load(conn: Connection) -> dict[int, Source]:
    """All sources by id, read on a raw connection, for the flow."""
    names = ", ".join(_FIELDS)
    return {row[0]: Source(*row) for row in conn.execute(f"SELECT {names} FROM sources").fetchall()}


def own_id(conn: Connection) -> int:
    """The source of what Touchloop itself says. Made by a migration; made again if it is gone."""
    row = conn.execute("SELECT id FROM sources WHERE slug = 'touchloop'").fetchone()
    if row is None:
        row = conn.execute(
            "INSERT INTO sources (name, slug, kind, channel, category, write_key, enabled,"
            " require_signature, signing_secret, plan_mode, plan, trusted, created_at)"
            " VALUES ('Touchloop', 'touchloop', 'system', 'system', 'inferred', %s, true,"
            " false, '', 'allow', '{}', true, now())"
            " ON CONFLICT (slug) DO UPDATE SET name = excluded.name RETURNING id",
            (ids.write_key(),),
        ).fetchone()
    assert row is not None
    return int(row[0])


def get(source_id: int) -> Source:
    return _seen(_row(source_id))


def rotate_key(source_id: int) -> Source:
    """Give the source a new write key; the old one stops at once."""
    row = _row(source_id)
    row.write_key = ids.write_key()
    row.save(update_fields=["write_key"])
    return _seen(row)


def update(source_id: int, **changes: Any) -> Source:
    """Change name, enabled, channel, category, require_signature, plan_mode or plan."""
    row = _row(source_id)
    for name, value in changes.items():
        if name not in {
            "name",
            "enabled",
            "channel",
            "category",
            "require_signature",
            "plan_mode",
            "plan",
        }:
            raise Invalid(name, "cannot be changed")
        setattr(row, name, value)
    if row.plan_mode not in PLAN_MODES:
        raise Invalid("plan_mode", f"must be one of {', '.join(PLAN_MODES)}")
    _check_plan(row.plan)
    row.save()
    return _seen(row)


_FIELDS = tuple(Source.__dataclass_fields__)


def _check_plan(plan: Any) -> None:
    """A plan maps an event name to a JSON Schema of its properties."""
    if not isinstance(plan, dict):
        raise Invalid("plan", "must be an object: event name → JSON Schema of its properties")
    for name, schema in plan.items():
        try:
            jsonschema.Draft202012Validator.check_schema(schema)
        except jsonschema.SchemaError as error:
            raise Invalid("plan", f"the schema of {name!r} is wrong: {error.message}") from error


def _row(source_id: int) -> Row:
    row = Row.objects.filter(id=source_id).first()
    if row is None:
        raise NotFound(f"no source {source_id}")
    return row


def _free_slug(text: str) -> str:
    base = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60] or "source"
    taken = set(Row.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    if base not in taken:
        return base
    return next(f"{base}-{n}" for n in range(2, len(taken) + 3) if f"{base}-{n}" not in taken)


def _seen(row: Row) -> Source:
    return Source(**{name: getattr(row, name) for name in _FIELDS})
