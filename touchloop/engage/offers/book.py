"""The book: the live offers as one set, read again only when one of them has changed."""

from __future__ import annotations

from dataclasses import dataclass

from touchloop.core.db import Connection
from touchloop.engage.offers.definition import Offer
from touchloop.engage.offers.keeping import offer_of


@dataclass(frozen=True, slots=True)
class Book:
    """Offers that were live together, by id, and the names of the segments they ask about
    (as they were then: a decision replays in the words in which it was made)."""

    id: int
    offers: tuple[Offer, ...]
    segments: dict[int, str]


def live(conn: Connection) -> Book:
    """The live offers now. One tiny query; the rest is kept while nothing changes."""
    row = conn.execute("SELECT coalesce(max(id), 0) FROM offer_books").fetchone()
    assert row is not None
    return book(conn, row[0])


def book(conn: Connection, book_id: int) -> Book:
    """The offers as they stood in a book; 0 is the empty one before the first offer."""
    found = _kept.get(book_id)
    if found is None:
        found = _read(conn, book_id)
        while len(_kept) >= _MOST:
            del _kept[next(iter(_kept))]
        _kept[book_id] = found
    return found


_MOST = 50
_kept: dict[int, Book] = {}


def forget() -> None:
    """Forget every book: the numbers of another database may be the same."""
    _kept.clear()


def _read(conn: Connection, book_id: int) -> Book:
    row = conn.execute("SELECT segments FROM offer_books WHERE id = %s", (book_id,)).fetchone()
    names = {int(id): name for id, name in row[0].items()} if row else {}
    offers = tuple(offer_of(row) for row in conn.execute(_OFFERS, (book_id,)).fetchall())
    return Book(book_id, offers, names)


_OFFERS = """
SELECT o.id, o.slug, v.name, v.sentence, 'live', v.version, o.created_at, v.at, v.definition
FROM offer_books b CROSS JOIN jsonb_array_elements(b.offers) e
JOIN offer_versions v ON v.offer_id = (e ->> 0)::int AND v.version = (e ->> 1)::int
JOIN offers o ON o.id = v.offer_id
WHERE b.id = %s ORDER BY o.id
"""
