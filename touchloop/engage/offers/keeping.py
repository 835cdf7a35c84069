"""Offers as they are kept: made, changed with a version each, set live, paused, ended."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from psycopg.types.json import Jsonb

from touchloop.core import db, locks
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid, NotFound
from touchloop.engage.offers.definition import (
    SELLING_PURPOSES,
    STATES,
    Definition,
    Offer,
    read,
    write,
)
from touchloop.engage.offers.wording import sentence
from touchloop.insight.segments import api as segments

MAX_LIVE = 2_500  # what a decision looks at; Pega's published limit of actions as well


@dataclass(frozen=True, slots=True)
class Version:
    """One definition that an offer had."""

    version: int
    name: str
    sentence: str
    definition: dict[str, Any]
    at: datetime
    actor_id: int | None


def create(
    name: str,
    *,
    definition: Mapping[str, Any],
    actor: int | None,
    now: datetime,
    state: str = "draft",
    slug: str = "",
    conn: Connection | None = None,
) -> Offer:
    """Make an offer. `definition` is JSON (see definition.py); Invalid names what is wrong in it.

    With `conn` in the caller's transaction, else in one of its own.
    """
    with _within(conn) as own:
        found = read(definition)
        _check(own, name, state, found)
        _one_at_a_time(own)
        row = own.execute(
            "INSERT INTO offers (slug, name, sentence, state, definition, version, created_by,"
            " created_at, updated_at) VALUES (%s, %s, %s, %s, %s, 1, %s, %s, %s) RETURNING id",
            (_free_slug(own, slug or name), name.strip(), _sentence(own, found), state,
             Jsonb(write(found)), actor, now, now),
        ).fetchone()  # fmt: skip
        assert row is not None
        _keep(own, row[0], found, actor=actor, now=now)
        _new_book(own, now)
        return get(row[0], conn=own)


def change(
    offer_id: int,
    *,
    actor: int | None,
    now: datetime,
    name: str | None = None,
    definition: Mapping[str, Any] | None = None,
    conn: Connection | None = None,
) -> Offer:
    """Change the name, or the parts of the definition that are given. Anything new is a version."""
    with _within(conn) as own:
        _one_at_a_time(own)
        before = get(offer_id, conn=own)
        found = read(write(before.definition()) | dict(definition or {}))
        _check(own, name or before.name, before.state, found)
        if found == before.definition() and (name or before.name).strip() == before.name:
            return before
        own.execute(
            "UPDATE offers SET name = %s, definition = %s, sentence = %s, version = version + 1,"
            " updated_at = %s WHERE id = %s",
            ((name or before.name).strip(), Jsonb(write(found)), _sentence(own, found), now,
             offer_id),
        )  # fmt: skip
        _keep(own, offer_id, found, actor=actor, now=now)
        _new_book(own, now)
        return get(offer_id, conn=own)


def set_state(offer_id: int, state: str, *, now: datetime, conn: Connection | None = None) -> Offer:
    """Set draft, live, paused or ended. Only live offers are decided about."""
    with _within(conn) as own:
        _one_at_a_time(own)
        before = get(offer_id, conn=own)
        _check(own, before.name, state, before.definition())
        own.execute(
            "UPDATE offers SET state = %s, updated_at = %s WHERE id = %s", (state, now, offer_id)
        )
        _new_book(own, now)
        return get(offer_id, conn=own)


def get(offer_id: int, *, conn: Connection | None = None) -> Offer:
    """One offer as it stands; NotFound when there is none."""
    found = _select(conn, "WHERE id = %s", (offer_id,))
    if not found:
        raise NotFound(_("There is no offer of this number."))
    return found[0]


def named(slug: str, *, conn: Connection | None = None) -> Offer:
    """One offer by its short name; NotFound when there is none."""
    found = _select(conn, "WHERE slug = %s", (slug,))
    if not found:
        raise NotFound(_("There is no offer of this name."))
    return found[0]


def listing(*, state: str = "", conn: Connection | None = None) -> list[Offer]:
    """All offers by name, or those of one state."""
    return _select(conn, "WHERE %s IN ('', state) ORDER BY lower(name), id", (state,))


def versions(offer_id: int, *, conn: Connection | None = None) -> list[Version]:
    """What an offer said, the newest first."""
    with _within(conn) as own:
        rows = own.execute(
            "SELECT version, name, sentence, definition, at, actor_id FROM offer_versions"
            " WHERE offer_id = %s ORDER BY version DESC",
            (offer_id,),
        ).fetchall()
    return [Version(*row) for row in rows]


def offer_of(row: tuple[Any, ...]) -> Offer:
    """An offer of a row: id, slug, name, sentence, state, version, created, updated, definition."""
    names = ("id", "slug", "name", "sentence", "state", "version", "created_at", "updated_at")
    said = read(row[8])
    kept = {name: getattr(said, name) for name in Definition.__struct_fields__}
    return Offer(**kept, **dict(zip(names, row[:8], strict=True)))


def _select(conn: Connection | None, where: str, params: tuple[Any, ...]) -> list[Offer]:
    with _within(conn) as own:
        rows = own.execute(
            "SELECT id, slug, name, sentence, state, version, created_at, updated_at, definition"
            f" FROM offers {where}".encode(),
            params,
        ).fetchall()
    return [offer_of(row) for row in rows]


def _check(conn: Connection, name: str, state: str, found: Definition) -> None:
    if not 1 <= len(name.strip()) <= 200:
        raise Invalid("name", _("a name of at most 200 characters is needed"))
    if state not in STATES:
        raise Invalid("state", _("one of %s is expected") % ", ".join(STATES))
    if state == "live" and not found.treatments:
        raise Invalid("treatments", _("a live offer needs a treatment for at least one channel"))
    known = {each.id: each for each in segments.listing(conn=conn)} if found.segments else {}
    for policy, rule in found.policies:
        for id in (*rule.required, *rule.forbidden):
            if id not in known:
                raise Invalid(policy, _("there is no segment number %d") % id)
            if found.selling and known[id].purpose not in SELLING_PURPOSES:
                raise Invalid(
                    policy,
                    _("“%(name)s” was made for %(purpose)s and must not decide whom to sell to")
                    % {"name": known[id].name, "purpose": known[id].purpose},
                )


def _sentence(conn: Connection, found: Definition) -> str:
    names = {x.id: x.name for x in segments.listing(conn=conn)} if found.segments else {}
    return sentence(found, segments=names)


def _keep(
    conn: Connection, offer_id: int, found: Definition, *, actor: int | None, now: datetime
) -> None:
    """The version, and the treatments as rows."""
    conn.execute(
        "INSERT INTO offer_versions (offer_id, version, name, sentence, definition, at, actor_id)"
        " SELECT id, version, name, sentence, definition, %s, %s FROM offers WHERE id = %s",
        (now, actor, offer_id),
    )
    conn.execute("DELETE FROM treatments WHERE offer_id = %s", (offer_id,))
    with conn.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO treatments (offer_id, channel, placement, template, texts)"
            " VALUES (%s, %s, %s, %s, %s)",
            [
                (offer_id, each.channel, each.placement, each.template, Jsonb(each.texts))
                for each in found.treatments
            ],
        )


def _new_book(conn: Connection, now: datetime) -> None:
    """Note which versions are live together from this commit on."""
    live = _select(conn, "WHERE state = 'live' ORDER BY id", ())
    if len(live) > MAX_LIVE:
        raise Invalid("state", _("at most %d offers can be live") % MAX_LIVE)
    asked = {id for offer in live for id in offer.segments}
    names = {x.id: x.name for x in segments.listing(conn=conn) if x.id in asked} if asked else {}
    conn.execute(
        "INSERT INTO offer_books (at, offers, segments) VALUES (%s, %s, %s)",
        (now, Jsonb([[offer.id, offer.version] for offer in live]), Jsonb(names)),
    )


def _one_at_a_time(conn: Connection) -> None:
    """Books are numbered in the order in which they are committed."""
    conn.execute("SELECT pg_advisory_xact_lock(%s, %s)", locks.OFFER_BOOKS)


def _free_slug(conn: Connection, name: str) -> str:
    base = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60] or "offer"
    rows = conn.execute("SELECT slug FROM offers WHERE starts_with(slug, %s)", (base,)).fetchall()
    taken = {row[0] for row in rows}
    tries = (f"{base}-{n + 1}" if n else base for n in range(len(taken) + 1))
    return next(slug for slug in tries if slug not in taken)


@contextmanager
def _within(conn: Connection | None) -> Iterator[Connection]:
    """The caller's transaction, or one of our own."""
    if conn is not None:
        yield conn
        return
    with db.connect() as own:
        yield own
