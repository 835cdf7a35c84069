"""Two append-only ledgers: written in sets, read for many customers at once.

Withdrawal holds from its commit on: every reader asks the ledger, and nothing that is dated ahead
can outlast it, because no row is later than its own arrival.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final, LiteralString

from touchloop.consent.deciding import (
    CHILD,
    GRANTED,
    NOBODY_SAID_ANYTHING,
    PersonConsent,
    mask,
)
from touchloop.consent.folding import PASSIVE, Row, fold
from touchloop.consent.statements import ContactGrant, UseGrant
from touchloop.core import arrays, clock
from touchloop.core.db import Connection
from touchloop.identity.api import merged_at

# What a customer's allowed purposes are folded for: what was bought here, the widest of ours.
FOLDED_CATEGORY: Final = "bought"


def record_use(conn: Connection, grants: Sequence[UseGrant]) -> None:
    """Append to the ledger of use; what a browser or banner only repeats is not written again."""
    rows = _news(conn, grants)
    if not rows:
        return
    now = clock.now()
    conn.execute(
        _APPEND_USE,
        (
            arrays.numbers(g.subject_id for g in rows),
            arrays.texts(g.purpose for g in rows),
            arrays.texts(g.category for g in rows),
            arrays.texts(g.state for g in rows),
            arrays.texts(g.basis for g in rows),
            arrays.texts(g.notice_version for g in rows),
            arrays.texts(g.language for g in rows),
            arrays.texts(g.jurisdiction for g in rows),
            arrays.texts(json.dumps(dict(g.evidence)) for g in rows),
            arrays.numbers(g.source_id for g in rows),
            arrays.instants(min(g.at, now) for g in rows),
            arrays.uuids(g.message_key for g in rows),
        ),
    )


def record_contact(conn: Connection, grants: Sequence[ContactGrant]) -> None:
    """Append to the ledger of contact."""
    if not grants:
        return
    now = clock.now()
    conn.execute(
        _APPEND_CONTACT,
        (
            arrays.numbers(g.subject_id for g in grants),
            arrays.texts(g.channel for g in grants),
            arrays.texts(g.topic for g in grants),
            arrays.texts(g.state for g in grants),
            arrays.texts(json.dumps(dict(g.evidence)) for g in grants),
            arrays.numbers(g.source_id for g in grants),
            arrays.instants(min(g.at, now) for g in grants),
            arrays.uuids(g.message_key for g in grants),
        ),
    )


def read(conn: Connection, customer_ids: Sequence[int]) -> dict[int, PersonConsent]:
    """The choices of customers, over all their identifiers; those who said nothing are left out."""
    uses = _rows(conn, _USES, (arrays.numbers(customer_ids),))
    return _people(conn, customer_ids, uses, None)


def read_for(
    conn: Connection, customer_ids: Sequence[int], purposes: Collection[str]
) -> dict[int, PersonConsent]:
    """What everybody of these customers said of some purposes, and of contact: less to read for
    whoever asks of many and needs no more. Who said nothing is in it as well."""
    uses = _rows(conn, _USES_FOR, (arrays.numbers(customer_ids), [*purposes, CHILD]))
    found = _people(conn, customer_ids, uses, frozenset(purposes))
    silent = PersonConsent(purposes=frozenset(purposes))
    return {customer: found.get(customer, silent) for customer in customer_ids}


def _people(
    conn: Connection,
    customer_ids: Sequence[int],
    uses: dict[int, list[Row]],
    purposes: frozenset[str] | None,
) -> dict[int, PersonConsent]:
    contacts = _rows(conn, _CONTACTS, (arrays.numbers(customer_ids),))
    together = _together(conn, uses, contacts)
    return {
        customer: person_of(
            uses.get(customer, []),
            contacts.get(customer, []),
            together_since=together.get(customer, _ALWAYS),
            purposes=purposes,
        )
        for customer in uses.keys() | contacts.keys()
    }


def person_of(
    uses: Sequence[Row],
    contacts: Sequence[Row],
    *,
    together_since: datetime | None = None,
    purposes: frozenset[str] | None = None,
) -> PersonConsent:
    """The choices of one person from both ledgers; one child makes all of it a child's."""
    children = [row for row in uses if row.key[0] == CHILD]
    latest: dict[int, str] = {}
    if children:
        latest = {row.subject_id: row.state for row in sorted(children, key=lambda r: (r.at, r.id))}
        uses = [row for row in uses if row.key[0] != CHILD]
    return PersonConsent(
        use=fold(uses, together_since=together_since),
        contact=fold(contacts, together_since=together_since),
        child=GRANTED in latest.values(),
        purposes=purposes,
    )


def choosy(conn: Connection, purpose: str, *, any_words: bool = False) -> list[int]:
    """Customers who said something about one category for this purpose, not only about all.

    What their folded mask says does not hold for every category. With `any_words`: who said
    anything at all about the purpose.
    """
    rows = conn.execute(_CHOOSY, {"purpose": purpose, "any": any_words}).fetchall()
    return [row[0] for row in rows]


def allowed_mask(conn: Connection, customer_ids: Sequence[int]) -> dict[int, int]:
    """For each customer the purposes for which what it did here may be used, as bits."""
    people = read(conn, customer_ids) if customer_ids else {}
    return {
        id: mask(people[id], category=FOLDED_CATEGORY) if id in people else _DEFAULT_MASK
        for id in customer_ids
    }


def _rows(
    conn: Connection, query: LiteralString, asked: tuple[str | list[str], ...]
) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = {}
    for customer, id, subject, one, other, state, at, basis in conn.execute(
        query, asked, binary=True
    ).fetchall():
        row = Row(id, subject, (one, other), state, at, basis)
        if (rows := found.get(customer)) is None:
            found[customer] = [row]
        else:
            rows.append(row)
    return found


def _news(conn: Connection, grants: Sequence[UseGrant]) -> list[UseGrant]:
    """Explicit words always; signals only where they differ from the last of their kind."""
    passive = [grant for grant in grants if grant.basis in PASSIVE]
    if not passive:
        return list(grants)
    rows = conn.execute(_LAST, (arrays.numbers({grant.subject_id for grant in passive}),))
    last: dict[tuple[int, str, str, str], str] = {}
    for subject, purpose, category, basis, state in rows:
        last[subject, purpose, category, basis] = state
    news = []
    for grant in sorted(grants, key=lambda grant: grant.at):
        key = grant.subject_id, grant.purpose, grant.category, grant.basis
        if grant.basis not in PASSIVE or last.get(key) != grant.state:
            last[key] = grant.state
            news.append(grant)
    return news


def _together(
    conn: Connection, uses: dict[int, list[Row]], contacts: dict[int, list[Row]]
) -> dict[int, datetime]:
    """When the identifiers of those came together whose words come from several of them."""
    first: dict[int, int] = {}
    several: set[int] = set()
    for found in (uses, contacts):
        for customer, rows in found.items():
            for row in rows:
                if first.setdefault(customer, row.subject_id) != row.subject_id:
                    several.add(customer)
    return merged_at(conn, sorted(several)) if several else {}


_ALWAYS: Final = clock.from_micros(0)
_DEFAULT_MASK: Final = mask(NOBODY_SAID_ANYTHING, category=FOLDED_CATEGORY)

_APPEND_USE: LiteralString = """
INSERT INTO use_grants (subject_id, purpose, category, state, basis, notice_version, language,
                        jurisdiction, evidence, source_id, at, message_key)
SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
                     %s::text[], %s::text[], %s::jsonb[], %s::int[], %s::timestamptz[], %s::uuid[])
"""
_APPEND_CONTACT: LiteralString = """
INSERT INTO contact_grants (subject_id, channel, topic, state, evidence, source_id, at, message_key)
SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::jsonb[], %s::int[],
                     %s::timestamptz[], %s::uuid[])
"""
_USES: LiteralString = """
SELECT i.customer_id, g.id, g.subject_id, g.purpose, g.category, g.state, g.at, g.basis
  FROM identifiers i JOIN use_grants g ON g.subject_id = i.id
 WHERE i.customer_id = ANY(%s::bigint[])
"""
# Objections to marketing and profiling as such reach other purposes as well.
_USES_FOR: LiteralString = f"""{_USES}
   AND (g.purpose = ANY(%s) OR g.category = '' AND g.purpose IN ('marketing', 'profile'))
"""
_CONTACTS: LiteralString = """
SELECT i.customer_id, g.id, g.subject_id, g.channel, g.topic, g.state, g.at, ''
  FROM identifiers i JOIN contact_grants g ON g.subject_id = i.id
 WHERE i.customer_id = ANY(%s::bigint[])
"""
_CHOOSY: LiteralString = """
SELECT DISTINCT i.customer_id
  FROM use_grants g JOIN identifiers i ON i.id = g.subject_id
 WHERE g.purpose = %(purpose)s AND (%(any)s OR g.category <> '')
 ORDER BY 1
"""
_LAST: LiteralString = """
SELECT DISTINCT ON (subject_id, purpose, category, basis)
       subject_id, purpose, category, basis, state
  FROM use_grants WHERE subject_id = ANY(%s::bigint[]) AND basis IN ('gpc', 'preferences')
 ORDER BY subject_id, purpose, category, basis, at DESC, id DESC
"""
