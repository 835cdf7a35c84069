"""What this process remembers of identifiers and links, so that known customers cost no query.

Ids never change and links of messages are never taken back, so what was once read stays true until
it is erased. One count per batch notices that: it finds fewer rows than remembered ids, and
everything is forgotten. Customer ids change and are never remembered.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from datetime import datetime
from typing import Final, NamedTuple

from touchloop.core import arrays, clock
from touchloop.core.db import Connection

Key = tuple[str, str]  # (namespace, normalised value)
Tie = tuple[Key, Key, str]  # two keys, in order, and the kind of link


class Settled(NamedTuple):
    """A claim of which everything is stored, for messages that are not older than `since`."""

    subject: int
    ids: tuple[int, ...]
    since: datetime


_MOST: Final = 500_000
_ids: dict[Key, int] = {}
_links: dict[tuple[int, int, str], int] = {}  # -> the earliest time seen
_claims: dict[Hashable, Settled] = {}


def settled(conn: Connection, claims: Iterable[tuple[Hashable, datetime]]) -> list[int | None]:
    """The subjects of claims that bring nothing new; None where something has to be looked up."""
    found: list[int | None] = []
    ids: set[int] = set()
    for claim, at in claims:
        known = _claims.get(claim)
        if known is None or at < known.since:
            found.append(None)
        else:
            found.append(known.subject)
            ids.update(known.ids)
    if ids and not _all_there(conn, ids):
        forget()
        return [None] * len(found)
    return found


def find(conn: Connection, keys: Iterable[Key]) -> dict[Key, int]:
    """The ids of those that are stored."""
    wanted = list(keys)
    found = {key: _ids[key] for key in wanted if key in _ids}
    if found and not _all_there(conn, found.values()):
        forget()
        found = {}
    missing = [key for key in wanted if key not in found]
    if missing:
        rows = conn.execute(
            "SELECT i.namespace, i.value, i.id"
            " FROM unnest(%s::text[], %s::text[]) k(namespace, value)"
            " JOIN identifiers i ON i.namespace = k.namespace AND i.value = k.value",
            (arrays.texts(key[0] for key in missing), arrays.texts(key[1] for key in missing)),
        )
        read = {(namespace, value): id for namespace, value, id in rows}
        _keep_ids(read)
        found |= read
    return found


def unknown(conn: Connection, ids: Mapping[Key, int], times: Mapping[Tie, int]) -> list[Tie]:
    """The links that are not stored, or stored with a later time than the one given."""
    missing = []
    for tie, at in times.items():
        kept = _links.get(pair(ids, tie))
        if kept is None or kept > at:
            missing.append(tie)
    asked = {pair(ids, tie): tie for tie in missing}
    if not asked:
        return []
    rows = conn.execute(
        "SELECT l.a_id, l.b_id, l.kind, l.created_at"
        " FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) k(a, b, kind)"
        " JOIN links l ON l.a_id = k.a AND l.b_id = k.b AND l.kind = k.kind",
        (
            arrays.numbers(key[0] for key in asked),
            arrays.numbers(key[1] for key in asked),
            arrays.texts(key[2] for key in asked),
        ),
    )
    read = {(a, b, kind): clock.micros(at) for a, b, kind, at in rows}
    _keep_links(read)
    return [tie for key, tie in asked.items() if key not in read or read[key] > times[tie]]


def settle(claim: Hashable, ids: tuple[int, ...], since: datetime) -> None:
    """Remember that everything this claim says is stored."""
    if len(_claims) >= _MOST:
        _claims.clear()
    _claims[claim] = Settled(ids[0] if ids else 0, ids, since)


def keep(ids: Mapping[Key, int], times: Mapping[Tie, int]) -> None:
    """Remember what was just committed."""
    _keep_ids(ids)
    stored = {pair(ids, tie): at for tie, at in times.items()}
    _keep_links({key: min(at, _links.get(key, at)) for key, at in stored.items()})


def forget() -> None:
    """Forget everything."""
    _ids.clear()
    _links.clear()
    _claims.clear()


def pair(ids: Mapping[Key, int], tie: Tie) -> tuple[int, int, str]:
    """A link as it is stored: the smaller id first."""
    a, b = ids[tie[0]], ids[tie[1]]
    return (a, b, tie[2]) if a < b else (b, a, tie[2])


def _all_there(conn: Connection, ids: Iterable[int]) -> bool:
    wanted = set(ids)
    row = conn.execute(
        "SELECT count(*) FROM identifiers WHERE id = ANY(%s::bigint[])", (arrays.numbers(wanted),)
    )
    (number,) = row.fetchone() or (0,)
    return bool(number == len(wanted))


def _keep_ids(read: Mapping[Key, int]) -> None:
    if len(_ids) + len(read) > _MOST:
        _ids.clear()
    _ids.update(read)


def _keep_links(read: Mapping[tuple[int, int, str], int]) -> None:
    if len(_links) + len(read) > _MOST:
        _links.clear()
    _links.update(read)
