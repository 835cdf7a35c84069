"""A delivery made into a letter: words, links, headers, envelope.

Rendering is what costs, and many customers get the same words: the same data, the same first name.
So words are rendered once for each such set of data, into a *stencil*: the encoded bytes of the
body with slots in it, and only the tokens in the slots are made for each letter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from html import escape, unescape
from typing import Any, Final, NamedTuple

from msgspec import Struct

from touchloop.channels.email import footer, links, mime, naming, tokens
from touchloop.channels.email.compiling import HREF, SOURCE
from touchloop.channels.email.language import LINK, LINK_END, NAME, NAME_END, clean, render
from touchloop.channels.email.mime import Headers
from touchloop.channels.email.templates import Written
from touchloop.channels.seam import Delivery
from touchloop.core import settings
from touchloop.core.errors import Invalid, Unavailable

MOST_FACTS: Final = 3
_MAILBOX: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,255}")
_LEADS: Final = re.compile(r"(?:mailto:|tel:|#)[^\s\"'<>\\]*", re.I)
_PREFERENCES, _UNSUBSCRIBE, _PIXEL, _CLICK = "p", "u", "o", "l"
_OWN: Final = {kind: f"{LINK}{kind}{LINK_END}" for kind in (_PREFERENCES, _UNSUBSCRIBE, _PIXEL)}

_ONE_CLICK: Final = ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
_MIME_VERSION: Final = ("MIME-Version", "1.0")

# What differs for each letter: the kind of token, and the number of the link if it is one; or the
# name of a word of the reader, and 1 in HTML.
Slot = tuple[str, int]
Field = tuple[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class House:
    """Who writes, from where, where customers find us, and the seal of our tokens.

    The same settings are the same object, for as long as it is kept.
    """

    name: str
    address: str
    bounces: str
    postal: str
    url: str
    seal: tokens.Seal
    domain: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "domain", self.address.rpartition("@")[2])


@dataclass(frozen=True, slots=True)
class Words:
    """A rendered message, its links still between marks."""

    subject: str
    html: str
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Stencil:
    """A message for all who get the same words; one piece more than slots.

    Where words of the reader stand in slots, the subject still has their marks.
    """

    subject: str
    pieces: tuple[bytes, ...]
    slots: tuple[Slot, ...]
    topic: str
    marketing: bool

    @property
    def boundary(self) -> str:
        return self.pieces[0].partition(b"\r\n")[0][2:].decode()


class Letter(Struct, frozen=True):
    """Envelope, headers and body: everything but the signature."""

    sender: str
    recipient: str
    headers: Headers
    body: bytes


def house() -> House:
    """The settings of mail. Raises Unavailable, which names what is missing."""
    sender = settings.mail_from()
    if sender is None:
        raise Unavailable("TOUCHLOOP_MAIL_FROM is not set: mail has no sender", retry_after=600)
    name, address = sender
    return _house(
        name,
        address,
        settings.bounce_address(),
        settings.postal_address(),
        settings.customers_url(),
        tokens.seal(),
    )


@lru_cache(maxsize=8)
def _house(
    name: str, address: str, bounces: str, postal: str, url: str, seal: tokens.Seal
) -> House:
    return House(name, address, bounces, postal, url, seal)


def words(
    written: Written, data: Mapping[str, Any], *, reader: Mapping[str, Any], house: House,
    measured: bool,
) -> Words:  # fmt: skip
    """Render one message. `measured` gives it the picture that tells of its opening.

    Raises Invalid when the template cannot be rendered with this data.
    """
    given = clean(data)
    used = data.get("used")
    facts = [clean(str(each)) for each in used if each] if isinstance(used, list | tuple) else []
    why = given.get("why") or footer.why(written.kind, written.topic, language=written.language)
    own = {
        "why": str(why),
        # None where there is nothing: to Liquid an empty text or list is something.
        "used": facts[:MOST_FACTS] or None,
        "sender": house.name or house.domain,
        "postal": house.postal or None,
        "preferences": _OWN[_PREFERENCES],
        "unsubscribe": None if written.kind == "service" else _OWN[_UNSUBSCRIBE],
        "pixel": _OWN[_PIXEL] if measured else None,
    }
    given |= {"touchloop": own, "customer": reader}
    return Words(
        render(written.subject, given, field="subject"),
        render(written.html, given, field="body"),
        render(written.text, given, field="text"),
    )


def addresses(said: Words, *, house: House) -> set[str]:
    """Where the message's links lead, as far as they may be counted: not those to ourselves, which
    carry a token of their own."""
    found = set()
    for part, html in ((said.html, True), (said.text, False)):
        for piece in part.split(LINK)[1:]:
            kind, address = piece[:1], piece[1:].partition(LINK_END)[0].strip()
            address = unescape(address) if html else address
            ours = address.startswith(f"{house.url}/c/")
            if kind != SOURCE and not ours and links.may_lead_to(address):
                found.add(address)
    return found


def stencil(
    written: Written,
    said: Words,
    *,
    house: House,
    numbers: Mapping[str, int] | None,
    encoded: bool = False,
) -> Stencil:
    """The stencil of rendered words; links go through us where `numbers` says so.

    `encoded` is for readers whose words in slots are not plain ASCII.
    """
    text, in_text = _cut(said.text, html=False, house=house, numbers=numbers)
    html, in_html = _cut(said.html, html=True, house=house, numbers=numbers)
    boundary = "=_" + house.seal.name(f"{said.html[:2000]} {len(said.html)} {said.text[:500]}")
    return Stencil(
        said.subject,
        tuple(mime.body(text=text, html=html, boundary=boundary, encoded=encoded)),
        (*in_text, *in_html),
        written.topic,
        written.kind != "service",
    )


def letter(
    delivery: Delivery,
    stencil: Stencil,
    *,
    house: House,
    now: datetime,
    reader: Mapping[str, Any],
) -> Letter:
    """The letter of one delivery, `reader` what its slots call the customer.

    Raises Invalid("address") when mail cannot be addressed so.
    """
    recipient = mailbox(delivery.address)
    seal, id = house.seal, delivery.id
    unsubscribe = seal.token(tokens.UNSUBSCRIBE, id, delivery.subject_id)
    returns = seal.token(tokens.RETURN, id)
    filling = naming.in_slots(reader) if reader else {}
    filling[_UNSUBSCRIBE, 0] = unsubscribe.encode()
    out = [stencil.pieces[0]]
    for slot, piece in zip(stencil.slots, stencil.pieces[1:], strict=True):
        filled = filling.get(slot)
        if filled is None:
            filled = filling[slot] = _token(slot, delivery, seal, now).encode()
        out += (filled, piece)
    same = _same(stencil, house, now)
    fields = [
        same.sender,
        ("To", recipient),
        ("Subject", mime.words(naming.filled(stencil.subject, reader)) or "-"),
        same.date,
        ("Message-ID", f"<{delivery.message_id}@{house.domain}>"),
    ]
    if stencil.marketing:
        fields += (
            same.list_id,
            ("List-Unsubscribe", f"<{house.url}/c/u/{unsubscribe}>"),
            _ONE_CLICK,
            ("Feedback-ID", f"{delivery.campaign_id or 0}:{delivery.template}:{house.domain}"),
        )
    fields += (("X-Touchloop-Delivery", returns), _MIME_VERSION, same.content)
    return Letter(_returning(house, returns), recipient, Headers(tuple(fields)), b"".join(out))


def _token(slot: Slot, delivery: Delivery, seal: tokens.Seal, now: datetime) -> str:
    """What goes into a slot that leads somewhere."""
    kind, number = slot
    if kind == _PREFERENCES:
        return seal.token(tokens.PREFERENCES, delivery.subject_id, now.date().toordinal())
    if kind == _PIXEL:
        return seal.token(tokens.OPENING, delivery.id)
    return seal.token(tokens.CLICK, delivery.id, number)


class _Same(NamedTuple):
    """The fields that all letters of a stencil share."""

    sender: Field
    date: Field
    list_id: Field
    content: Field


@lru_cache(maxsize=256)
def _same(stencil: Stencil, house: House, now: datetime) -> _Same:
    return _Same(
        ("From", mime.mailbox(house.name, house.address)),
        ("Date", _date(now)),
        ("List-Id", f"<{stencil.topic or 'messages'}.{house.domain}>"),
        ("Content-Type", f'multipart/alternative; boundary="{stencil.boundary}"'),
    )


def seen(said: Words, *, house: House) -> Words:
    """Words as somebody may look at them: links as they are, those of a person leading nowhere."""
    return Words(
        " ".join(said.subject.split()),
        "#".join(_cut(said.html, html=True, house=house, numbers=None)[0]),
        "…".join(_cut(said.text, html=False, house=house, numbers=None)[0]),
    )


def _cut(
    part: str, *, html: bool, house: House, numbers: Mapping[str, int] | None
) -> tuple[list[str], list[Slot]]:
    """A part in pieces, and the slots between them; every link has become what it goes out as.

    What a template's link came to may be no link at all (a value can say `javascript:`): then it
    leads nowhere.
    """
    first, *rest = part.split(LINK)
    pieces, slots = [first], []
    for each in rest:
        inside, _mark, after = each.partition(LINK_END)
        kind, address = inside[:1], inside[1:].strip()
        address = unescape(address) if html else address
        slot, before, behind = _leads(kind, address, house, numbers)
        pieces[-1] += escape(before) if html else before
        if slot is None:
            pieces[-1] += after
        else:
            slots.append(slot)
            pieces.append(behind + after)
    return _cut_names(pieces, slots, html=html)


def _cut_names(pieces: list[str], slots: list[Slot], *, html: bool) -> tuple[list[str], list[Slot]]:
    """The pieces cut once more, at the marks of the reader's words."""
    if not any(NAME in piece for piece in pieces):
        return pieces, slots
    finer: list[str] = []
    more: list[Slot] = []
    for piece, slot in zip(pieces, (*slots, None), strict=True):
        first, *rest = piece.split(NAME)
        finer.append(first)
        for each in rest:
            name, _mark, after = each.partition(NAME_END)
            more.append((f"{NAME}{name}", int(html)))
            finer.append(after)
        if slot is not None:
            more.append(slot)
    return finer, more


def _leads(
    kind: str, address: str, house: House, numbers: Mapping[str, int] | None
) -> tuple[Slot | None, str, str]:
    """What stands in a link: a slot if there is one, what is before it and what behind."""
    if kind in _OWN:
        return (kind, 0), f"{house.url}/c/{kind}/", ".gif" if kind == _PIXEL else ""
    if links.may_lead_to(address):
        number = numbers.get(address) if numbers is not None and kind != SOURCE else None
        if number is None:
            return None, address, ""
        return (_CLICK, number), f"{house.url}/c/l/", ""
    return None, address if kind == HREF and _LEADS.fullmatch(address) else "#", ""


@lru_cache(maxsize=8)
def _date(now: datetime) -> str:
    return format_datetime(now)


def mailbox(address: str) -> str:
    """The address as it goes into an envelope, its domain in ASCII. Raises Invalid."""
    local, _at, domain = address.strip().rpartition("@")
    if not domain.isascii():
        try:
            domain = domain.encode("idna").decode("ascii")
        except UnicodeError as error:
            raise Invalid("address", "this domain cannot be written in a mail") from error
    written = f"{local}@{domain}"
    if not _MAILBOX.fullmatch(written) or len(written) > 254:
        raise Invalid("address", "this is no address that a mail server takes")
    return written


def _returning(house: House, token: str) -> str:
    """The envelope's sender: where bounces go, with a token of the delivery in it (VERP)."""
    if not house.bounces:
        return house.address
    local, _at, domain = house.bounces.partition("@")
    return f"{local}+{token}@{domain}"
