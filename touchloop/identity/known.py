"""What this process remembers of identifiers and links, so that known customers cost no query.

Ids never change and links of messages are never taken back, so what was once read stays true until
it is erased. One count per batch notices that: it finds fewer rows than remembered ids, and
everything is forgotten. Customer ids change and are never remembered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from touchloop.core import clock
from touchloop.core.db import Connection

Key = tuple[str, str]  # (namespace, normalised value)
Tie = tuple[Key, Key, str]  # two keys, in order, and the kind of link

_MOST: Final = 500_000
_ids: dict[Key, int] = {}
_links: dict[tuple[int, int, str], int] = {}  # -> the earliest time seen


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
            [list(column) for column in zip(*missing, strict=True)],
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
        [list(column) for column in zip(*asked, strict=True)],
    )
    read = {(a, b, kind): clock.micros(at) for a, b, kind, at in rows}
    _keep_links(read)
    return [tie for key, tie in asked.items() if key not in read or read[key] > times[tie]]


def keep(ids: Mapping[Key, int], times: Mapping[Tie, int]) -> None:
    """Remember what was just committed."""
    _keep_ids(ids)
    stored = {pair(ids, tie): at for tie, at in times.items()}
    _keep_links({key: min(at, _links.get(key, at)) for key, at in stored.items()})


def forget() -> None:
    """Forget everything."""
    _ids.clear()
    _links.clear()


def pair(ids: Mapping[Key, int], tie: Tie) -> tuple[int, int, str]:
    """A link as it is stored: the smaller id first."""
    a, b = ids[tie[0]], ids[tie[1]]
    return (a, b, tie[2]) if a < b else (b, a, tie[2])


def _all_there(conn: Connection, ids: Iterable[int]) -> bool:
    wanted = set(ids)
    row = conn.execute("SELECT count(*) FROM identifiers WHERE id = ANY(%s)", (list(wanted),))
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
