"""E-mail as a channel: deliveries become letters, letters go to the mail server."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from threading import get_ident
from typing import Any, Final, LiteralString

import msgspec
from django.utils.translation import gettext_noop

from touchloop.channels.email import letters, links, naming, signing, smtp, templates
from touchloop.channels.email.language import clean
from touchloop.channels.email.letters import House, Letter, Stencil, Words
from touchloop.channels.email.templates import Written
from touchloop.channels.permission import PURPOSE
from touchloop.channels.seam import Channel, Delivery, Rendered, Sent, Unfit
from touchloop.consent import api as consent
from touchloop.core import arrays, settings
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid, Unavailable, WrongSetting
from touchloop.profiles.api import PERSON

# The address itself is dead, not only this message unwelcome (RFC 3463), or said in words.
_DEAD: Final = re.compile(
    r"\b5\.1\.(?:1|2|3|6|10)\b|\b5\.2\.1\b|user unknown|unknown user|no such user|no such mailbox|"
    r"does not exist|mailbox not found|invalid mailbox",
    re.I,
)
_Key = tuple[Written, bytes, bool, House, str]
STENCILS_KEPT: Final = 1_000
_kept: OrderedDict[_Key, Stencil] = OrderedDict()
_lines: dict[tuple[int, settings.MailServer], smtp.Line] = {}
_encode: Final = msgspec.json.encode


@dataclass(frozen=True, slots=True)
class _NotSetUp:
    missing: str


class _Reader(msgspec.Struct, frozen=True):
    fields: Mapping[str, Any]
    measured: bool
    slots: str = ""  # "plain" or "encoded" where its words can be put into slots


def render(
    conn: Connection, deliveries: Sequence[Delivery], now: datetime
) -> Iterable[Rendered | Unfit]:
    """Letters, or why there can be none. Where mail is not set up, what is missing goes along as
    the content, so that each delivery waits with these words and not with an error's name."""
    try:
        house = letters.house()
        _server()
        signing.signer()
    except (Unavailable, WrongSetting) as missing:
        yield from [Rendered(one, _NotSetUp(str(missing))) for one in deliveries]
        return
    versions = templates.written(
        conn, sorted({(one.template, one.template_version) for one in deliveries})
    )
    wanted: list[tuple[Delivery, _Key]] = []
    readers = _readers(conn, deliveries)
    for delivery in deliveries:
        written = versions.get((delivery.template, delivery.template_version))
        if written is None:
            yield Unfit(delivery.id, "template", f"there is no message {delivery.template!r}")
        else:
            wanted.append((delivery, _key(written, delivery, readers[delivery.id], house)))
    stencils = _stencils(dict((key, one) for one, key in wanted), versions, readers, house)
    for delivery, key in wanted:
        stencil = stencils[key]
        if isinstance(stencil, Invalid):
            yield Unfit(delivery.id, "template", str(stencil))
            continue
        try:
            reader = readers[delivery.id].fields if key[-1] else {}
            letter = letters.letter(delivery, stencil, house=house, now=now, reader=reader)
        except Invalid as wrong:
            yield Unfit(delivery.id, "address", str(wrong))
            continue
        yield Rendered(delivery, letter)


def batch(messages: Sequence[Rendered], now: datetime) -> Iterable[Sent]:
    """Sign and hand over. What the mail server says goes behind the first line of the reason."""
    yield from _handed(messages, now, _line)


def send(message: Rendered, now: datetime) -> Sent:
    """One message: a trial to oneself, on a connection of its own."""
    own: list[smtp.Line] = []

    def line(server: settings.MailServer) -> smtp.Line:
        own.append(smtp.Line(replace(server, connections=1)))
        return own[0]

    try:
        (sent,) = _handed([message], now, line)
        return sent
    finally:
        for each in own:
            each.close()


def hang_up() -> None:
    """Close the connections that are kept open."""
    while _lines:
        _lines.popitem()[1].close()


def _handed(
    messages: Sequence[Rendered],
    now: datetime,
    line_to: Callable[[settings.MailServer], smtp.Line],
) -> Iterator[Sent]:
    going = [one for one in messages if isinstance(one.content, Letter)]
    for one in messages:
        if isinstance(one.content, _NotSetUp):
            yield Sent(one.delivery.id, "temporary", f"not_set_up\n{one.content.missing}")
    if not going:
        return
    unsaid = {one.delivery.id for one in going}
    try:
        for fate in line_to(_server()).deliver(_parcels(going, now)):
            dead = fate.word == "refused" and bool(_DEAD.search(fate.reason))
            unsaid.discard(fate.id)
            reason = "" if fate.word == "handed" else fate.word
            yield Sent(fate.id, fate.word, f"{reason}\n{fate.reason}", dead_address=dead)
    except (Unavailable, WrongSetting) as away:
        for id in sorted(unsaid):
            yield Sent(id, "temporary", f"no_server\n{away}")


def _line(server: settings.MailServer) -> smtp.Line:
    """The lines of this thread to a server: two threads must not speak on one."""
    return _lines.setdefault((get_ident(), server), smtp.Line(server))


def _parcels(messages: Sequence[Rendered], now: datetime) -> Iterator[smtp.Parcel]:
    """Signed as they are needed: the server takes in one message while the next is signed."""
    signer = signing.signer()
    at = int(now.timestamp())
    for message in messages:
        letter: Letter = message.content
        head = letter.headers.block()
        if signer:
            head = signer.header(letter.headers, letter.body, at=at) + head
        data = head + b"\r\n" + letter.body
        yield smtp.Parcel(message.delivery.id, letter.sender, letter.recipient, data)


def _stencils(
    wanted: Mapping[_Key, Delivery], versions: Mapping[tuple[str, int], Written],
    readers: Mapping[int, _Reader], house: House,
) -> dict[_Key, Stencil | Invalid]:  # fmt: skip
    """The stencil of each set of words, or what is wrong; those of the last batches are kept."""
    found: dict[_Key, Stencil | Invalid] = {
        key: kept for key in wanted if (kept := _kept.get(key)) is not None
    }
    said: dict[_Key, Words] = {}
    for key, one in wanted.items():
        if key in found:
            continue
        written, reader = versions[one.template, one.template_version], readers[one.id]
        try:
            said[key] = letters.words(
                written,
                one.data,
                reader=naming.marks(reader.fields) if key[-1] else reader.fields,
                house=house,
                measured=reader.measured,
            )
        except Invalid as wrong:
            found[key] = wrong
    numbers = links.numbers_of(
        {
            address
            for key, words in said.items()
            if readers[wanted[key].id].measured
            for address in letters.addresses(words, house=house)
        }
    )
    for key, words in said.items():
        one = wanted[key]
        stencil = letters.stencil(
            versions[one.template, one.template_version],
            words,
            house=house,
            numbers=numbers if readers[one.id].measured else None,
            encoded=key[-1] == "encoded",
        )
        found[key] = _kept[key] = stencil
    while len(_kept) > STENCILS_KEPT:
        _kept.popitem(last=False)
    return found


def _key(written: Written, delivery: Delivery, reader: _Reader, house: House) -> _Key:
    """What decides the words; of those that go into slots, only which ones there are."""
    slots = reader.slots if written.names_apart else ""
    fields = sorted(reader.fields) if slots else reader.fields
    return written, _encode((delivery.data, fields), enc_hook=str), reader.measured, house, slots


def _server() -> settings.MailServer:
    server = settings.mail_server()
    if server is None:
        raise Unavailable(
            "TOUCHLOOP_SMTP_URL is not set: there is no mail server to hand to", retry_after=600
        )
    return server


def reader_of(conn: Connection, customer_id: int, kind: str) -> Mapping[str, Any]:
    """What a message of this kind may say about its reader."""
    person = consent.read(conn, [customer_id]).get(customer_id, consent.NOBODY_SAID_ANYTHING)
    return _allowed(_typed(conn, [customer_id]).get(customer_id, {}), person, kind)


def _readers(conn: Connection, deliveries: Sequence[Delivery]) -> dict[int, _Reader]:
    """Of each delivery what it may say about its reader, and whether it may be measured."""
    typed = _typed(conn, {one.customer_id for one in deliveries})
    unread = {one.customer_id for one in deliveries if one.consent is None}
    read = consent.read(conn, sorted(unread)) if unread else {}
    found = {}
    for one in deliveries:
        person = one.consent or read.get(one.customer_id, consent.NOBODY_SAID_ANYTHING)
        measured = consent.decide(person, purpose="measure", categories=("mail_engagement",))
        said = _allowed(typed.get(one.customer_id, {}), person, one.kind)
        slots = ""
        if naming.fits(said):
            slots = "plain" if naming.plain(said) else "encoded"
        found[one.id] = _Reader(said, measured.allowed, slots)
    return found


def _typed(conn: Connection, customer_ids: Iterable[int]) -> dict[int, dict[str, str]]:
    """What customers said they are called, as far as they said it themselves."""
    rows = conn.execute(
        _NAMES,
        {
            "ids": arrays.numbers(sorted(customer_ids)),
            "names": list(naming.READER),
            "person": PERSON,
        },
        binary=True,
    ).fetchall()
    return {
        customer: {
            name: " ".join(clean(value).split())
            for name, value in zip(naming.READER, values, strict=True)
            if value is not None
        }
        for customer, *values in rows
    }


def _allowed(
    typed: Mapping[str, str], person: consent.PersonConsent, kind: str
) -> Mapping[str, str]:
    """The words, when they may be used in a message of this kind."""
    if typed and consent.decide(person, purpose=PURPOSE[kind], categories=("told_us",)).allowed:
        return typed
    return {}


_SAID: Final = """CASE WHEN traits->'{0}'->'a' = to_jsonb(%(person)s::int)
  AND jsonb_typeof(traits->'{0}'->'v') = 'string' THEN traits->'{0}'->>'v' END"""
_NAMES: Final[LiteralString] = f"""
SELECT id, {", ".join(map(_SAID.format, naming.READER))}
  FROM customers
 WHERE id = ANY(%(ids)s::bigint[]) AND traits ?| %(names)s
"""
CHANNELS: Final = (
    Channel(
        "email",
        gettext_noop("E-mail"),
        address_namespace="email",
        render=render,
        send=send,
        batch=batch,
        versions=templates.newest,
    ),
)
