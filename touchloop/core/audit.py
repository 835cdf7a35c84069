"""The audit trail: what staff did, append-only, chained by hash.

Each entry's hash covers the entry and the hash before it, so an edited, removed, inserted or
reordered entry breaks the chain from there on; `verify` finds the first such place. The head can
be written down elsewhere to notice a cut tail. The trail names customers by id only: what is
known of a person stays erasable, the fact that staff acted does not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction

from touchloop.core import clock, locks

if TYPE_CHECKING:
    from touchloop.core.accounts.api import Person

GENESIS = bytes(32)


@dataclass(frozen=True, slots=True)
class Entry:
    id: int
    at: datetime
    actor_id: int | None
    actor: str
    act: str
    kind: str
    object_id: str
    name: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Check:
    entries: int
    head: str
    broken_at: int | None


def record(
    act: str,
    *,
    by: Person | None,
    kind: str,
    id: object,
    name: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Append one act, in the caller's transaction: neither stands without the other."""
    from touchloop.core.accounts.models import AuditEntry

    entry = AuditEntry(
        at=clock.now(),
        actor_id=by.id if by else None,
        actor=(by.name or by.email) if by else "",
        act=act,
        object_kind=kind,
        object_id=str(id),
        object_name=name[:200],
        before=_plain(before),
        after=_plain(after),
    )
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [locks.AUDIT_CHAIN])
        last = AuditEntry.objects.order_by("-id").values_list("hash", flat=True).first()
        entry.previous_hash = bytes(last) if last else GENESIS
        entry.hash = _hash(entry)
        entry.save(force_insert=True)


def entries(
    *, before_id: int | None = None, act: str = "", actor_id: int | None = None, limit: int = 50
) -> list[Entry]:
    """The latest entries first; `before_id` pages back."""
    from touchloop.core.accounts.models import AuditEntry

    found = AuditEntry.objects.order_by("-id")
    if before_id is not None:
        found = found.filter(id__lt=before_id)
    if act:
        found = found.filter(act__startswith=act)
    if actor_id is not None:
        found = found.filter(actor_id=actor_id)
    return [_entry(row) for row in found[:limit]]


def verify() -> Check:
    """Walk the chain from its start; `broken_at` is the first entry that does not fit."""
    from touchloop.core.accounts.models import AuditEntry

    previous, count = GENESIS, 0
    for row in AuditEntry.objects.order_by("id").iterator(chunk_size=2000):
        if bytes(row.previous_hash) != previous or bytes(row.hash) != _hash(row):
            return Check(entries=count, head=previous.hex(), broken_at=row.pk)
        previous, count = bytes(row.hash), count + 1
    return Check(entries=count, head=previous.hex(), broken_at=None)


def _hash(row: Any) -> bytes:
    fields = [
        row.at.astimezone(UTC).isoformat(),
        row.actor_id,
        row.actor,
        row.act,
        row.object_kind,
        row.object_id,
        row.object_name,
        row.before,
        row.after,
    ]
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(bytes(row.previous_hash) + text.encode()).digest()


def _plain(value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """As JSON gives it back, so that the hash made now equals that of the stored row."""
    if value is None:
        return None
    plain: dict[str, Any] = json.loads(json.dumps(dict(value), cls=DjangoJSONEncoder))
    return plain


def _entry(row: Any) -> Entry:
    return Entry(
        id=row.pk,
        at=row.at,
        actor_id=row.actor_id,
        actor=row.actor,
        act=row.act,
        kind=row.object_kind,
        object_id=row.object_id,
        name=row.object_name,
        before=row.before,
        after=row.after,
    )
