"""Members written to a file, each row only if consent allows it now for the purpose asked."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any, Final, LiteralString

from django.utils.translation import gettext as _

from touchloop.consent import api as consent
from touchloop.consent.api import NOBODY_SAID_ANYTHING, PersonConsent
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid

FORMS: Final = ("csv", "json")
COLUMNS: Final = ("name", "email", "phone", "identifiers", "stage", "since")
TRAIT: Final = "trait:"
TOLD: Final = frozenset({"name", "email", "phone", "identifiers"})
CONTACTS: Final = {"email": "email", "phone": "sms"}  # column, the channel it is for
CHUNK: Final = 5_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would run


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for: for which of consent's purposes, which columns, csv or json (by line)."""

    purpose: str
    columns: tuple[str, ...]
    form: str = "csv"


@dataclass(frozen=True, slots=True)
class Exported:
    """`written` of `members` rows; `left_out` by reason in words; `emptied`: how many addresses
    were left empty, by column, because their owner does not want to be reached by them."""

    members: int
    written: int
    left_out: dict[str, int]
    emptied: dict[str, int]


def check(wish: Wish) -> Wish:
    """The wish, if it can be one. Invalid."""
    if wish.purpose not in consent.PURPOSES:
        raise Invalid("purpose", _("Say what the file is for."))
    if wish.form not in FORMS:
        raise Invalid("form", _("Choose CSV or JSON."))
    unknown = [x for x in wish.columns if x not in COLUMNS and not x.startswith(TRAIT)]
    if unknown:
        raise Invalid("columns", _("There is no column “%s”.") % unknown[0][:80])
    return wish


def export(conn: Connection, segment_id: int, wish: Wish, out: IO[str]) -> Exported:
    """Write the members to an open text file (newline="") in order of their number.

    Each member's choices are asked of the ledger at this moment. Memory does not grow with members.
    """
    write = _writer(check(wish), out)
    left_out: Counter[str] = Counter()
    emptied: Counter[str] = Counter()
    members = written = 0
    for rows in _chunks(conn, segment_id):
        members += len(rows)
        people = consent.read(conn, [row[0] for row in rows])
        for row in rows:
            person = people.get(row[0], NOBODY_SAID_ANYTHING)
            refusal = refused(person, wish)
            if refusal:
                left_out[refusal] += 1
                continue
            write(_row(row, wish, person, emptied))
            written += 1
    return Exported(members, written, dict(left_out.most_common()), dict(emptied))


def refused(person: PersonConsent, wish: Wish) -> str:
    """Why this person's row is left out, in words; "" when it may be written."""
    told = any(column in TOLD or column.startswith(TRAIT) for column in wish.columns)
    found = consent.decide(
        person, purpose=wish.purpose, categories=("bought", "told_us") if told else ("bought",)
    )
    return "" if found.allowed else found.reasons[-1]


def _row(
    row: tuple[Any, ...], wish: Wish, person: PersonConsent, emptied: Counter[str]
) -> dict[str, Any]:
    id, name, email, phone, stage, since, traits, identifiers = row
    known: dict[str, Any] = {
        "name": name, "email": email, "phone": phone, "stage": stage,
        "since": since.isoformat(), "identifiers": identifiers,
    }  # fmt: skip
    made: dict[str, Any] = {"customer": id}
    for column in wish.columns:
        if column.startswith(TRAIT):
            fact = traits.get(column.removeprefix(TRAIT))
            made[column.removeprefix(TRAIT)] = None if fact is None else fact["v"]
            continue
        value = known[column] or None
        if value and column in CONTACTS and not _wants(person, wish.purpose, CONTACTS[column]):
            emptied[column] += 1
            value = None
        made[column] = value
    return made


def _wants(person: PersonConsent, purpose: str, channel: str) -> bool:
    """An address is for reaching somebody: only marketing needs more than the use of it."""
    if purpose != "marketing":
        return True
    return consent.decide(person, purpose=purpose, categories=("told_us",), channel=channel).allowed


def _writer(wish: Wish, out: IO[str]) -> Callable[[dict[str, Any]], object]:
    if wish.form == "json":
        return lambda row: out.write(json.dumps(row, ensure_ascii=False, default=str) + "\n")
    names = ["customer", *(column.removeprefix(TRAIT) for column in wish.columns)]
    writer = csv.DictWriter(out, names)
    writer.writeheader()
    return lambda row: writer.writerow({name: _harmless(row[name]) for name in names})


def _harmless(value: Any) -> Any:
    if isinstance(value, list | dict):
        value = json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


def _chunks(conn: Connection, segment_id: int) -> Iterator[Sequence[tuple[Any, ...]]]:
    after = 0
    while rows := conn.execute(
        _MEMBERS, {"segment": segment_id, "after": after, "limit": CHUNK}
    ).fetchall():
        yield rows
        after = rows[-1][0]


_MEMBERS: LiteralString = """
WITH page AS (
  SELECT m.customer_id, m.since FROM segment_members m
  WHERE m.segment_id = %(segment)s AND m.customer_id > %(after)s
  ORDER BY m.customer_id LIMIT %(limit)s
)
SELECT c.id, c.display_name, c.email, c.phone, c.stage, p.since, c.traits,
       ARRAY(SELECT i.namespace || ':' || i.value FROM identifiers i
             WHERE i.customer_id = c.id AND i.namespace NOT IN ('email', 'phone')
             ORDER BY i.id LIMIT 20)
FROM page p JOIN customers c ON c.id = p.customer_id
ORDER BY c.id
"""
