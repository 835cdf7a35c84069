"""Who must not be contacted: by person, and by address as a keyed hash that outlives the person.

Rows are appended; of one subject and place the last one holds, and of a customer's subjects the
stricter. A suppressed address stays so when its person is erased and comes back from a file.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from hashlib import sha256
from typing import Final, LiteralString

from django.utils.translation import gettext as _

from touchloop.channels.keyed import Keyed
from touchloop.core import arrays, settings
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid

REASONS: Final = (
    "bounced", "complained", "unsubscribed", "erased", "legal", "minor", "deceased", "staff",
)  # fmt: skip
SUPPRESS, LIFT = "suppress", "lift"


@dataclass(frozen=True, slots=True)
class Suppressed:
    """The suppressions of one customer: reasons by (channel or "", address or "")."""

    reasons: dict[tuple[str, str], str] = field(default_factory=dict)

    def reason(self, channel: str, address: str) -> str:
        """Why this address on this channel must not be used; "" when it may."""
        for key in (("", ""), (channel, ""), ("", address), (channel, address)):
            if key in self.reasons:
                return self.reasons[key]
        return ""


def suppress(
    conn: Connection,
    *,
    subject_id: int,
    channel: str,
    address: str,
    reason: str,
    at: datetime,
    by: int | None = None,
) -> None:
    """Stop contact: channel "" is every channel, address "" every address. In the caller's
    transaction; waits for a hand-off to this customer that is under way. Raises Invalid."""
    _append(conn, SUPPRESS, subject_id, channel, address, reason, at, by)


def lift(
    conn: Connection,
    *,
    subject_id: int,
    channel: str,
    address: str,
    reason: str,
    at: datetime,
    by: int | None = None,
) -> None:
    """Take a suppression back, exactly as it was given; its rows stay. Raises Invalid."""
    _append(conn, LIFT, subject_id, channel, address, reason, at, by)


def keep_refusals(conn: Connection, subject_ids: Sequence[int], *, at: datetime) -> int:
    """Before a person is erased: keep what they refused by the hash of their addresses alone.

    Suppressions that name an address are kept so already; this adds those of a whole channel, and
    contact that was denied in the ledger of consent. Returns how many addresses.
    """
    rows = conn.execute(_REFUSED, {"subjects": list(subject_ids)}).fetchall()
    _append_keys(conn, SUPPRESS, [(channel, value, "erased") for channel, value in rows], at)
    return len(rows)


def suppressed(
    conn: Connection, customer_ids: Sequence[int], addresses: Iterable[tuple[int, str]]
) -> dict[int, Suppressed]:
    """The suppressions of customers; `addresses` are (customer, address) that might be used."""
    found: dict[int, dict[tuple[str, str], str]] = defaultdict(dict)
    rows = conn.execute(_BY_PERSON, (arrays.numbers(customer_ids),)).fetchall()
    for customer, channel, address, reason in rows:
        found[customer][channel, address] = reason
    asked = [(address_key(one), customer, one) for customer, one in addresses if one]
    if asked:
        keys = arrays.texts([key for key, _customer, _address in asked])
        held: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for key, channel, reason in conn.execute(_BY_ADDRESS, (keys,)).fetchall():
            held[key].append((channel, reason))
        for key, customer, address in asked if held else ():
            for channel, reason in held.get(key, ()):
                found[customer].setdefault((channel, address), reason)
    return {customer: Suppressed(reasons) for customer, reasons in found.items()}


def address_key(address: str) -> str:
    """The keyed hash under which an address is remembered."""
    return _keyed().digest(address.strip().lower().encode()).hex()


def _append(
    conn: Connection,
    act: str,
    subject_id: int,
    channel: str,
    address: str,
    reason: str,
    at: datetime,
    by: int | None,
) -> None:
    if act == SUPPRESS and reason not in REASONS:
        raise Invalid("reason", _("one of %s is expected") % ", ".join(REASONS))
    conn.execute(
        "INSERT INTO suppressions (subject_id, channel, address, act, reason, at, actor_id)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (subject_id, channel, address, act, reason, at, by),
    )
    if address:
        _append_keys(conn, act, [(channel, address, reason)], at)


def _append_keys(
    conn: Connection, act: str, rows: Sequence[tuple[str, str, str]], at: datetime
) -> None:
    conn.execute(
        "INSERT INTO suppressed_addresses (channel, address_key, act, reason, at)"
        " SELECT c, k, %s, r, %s FROM unnest(%s::text[], %s::text[], %s::text[]) AS n(c, k, r)",
        (
            act,
            at,
            arrays.texts(row[0] for row in rows),
            arrays.texts(address_key(row[1]) for row in rows),
            arrays.texts(row[2] for row in rows),
        ),
    )


@cache
def _keyed() -> Keyed:
    key = b"touchloop suppressed addresses\0" + settings.secret_key().encode()
    return Keyed(sha256(key).digest())


_BY_PERSON: LiteralString = """
SELECT customer_id, channel, address, reason FROM (
  SELECT DISTINCT ON (i.customer_id, s.subject_id, s.channel, s.address)
         i.customer_id, s.channel, s.address, s.reason, s.act
    FROM identifiers i JOIN suppressions s ON s.subject_id = i.id
   WHERE i.customer_id = ANY(%s::bigint[])
   ORDER BY i.customer_id, s.subject_id, s.channel, s.address, s.id DESC
) AS last WHERE act = 'suppress'
"""
_BY_ADDRESS: LiteralString = """
SELECT address_key, channel, reason FROM (
  SELECT DISTINCT ON (address_key, channel) address_key, channel, reason, act
    FROM suppressed_addresses WHERE address_key = ANY(%s::text[])
   ORDER BY address_key, channel, id DESC
) AS last WHERE act = 'suppress'
"""
_REFUSED: LiteralString = """
SELECT DISTINCT r.channel, i.value FROM identifiers i JOIN (
  SELECT subject_id, channel FROM (
    SELECT DISTINCT ON (subject_id, channel) subject_id, channel, state FROM contact_grants
     WHERE subject_id = ANY(%(subjects)s) AND topic = ''
     ORDER BY subject_id, channel, at DESC, id DESC) AS g WHERE state = 'denied'
  UNION
  SELECT subject_id, channel FROM (
    SELECT DISTINCT ON (subject_id, channel) subject_id, channel, act FROM suppressions
     WHERE subject_id = ANY(%(subjects)s) AND address = ''
     ORDER BY subject_id, channel, id DESC) AS s WHERE act = 'suppress'
) AS r ON true
WHERE i.id = ANY(%(subjects)s) AND i.namespace IN ('email', 'phone')
"""
