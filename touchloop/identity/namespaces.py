"""The kinds of identifier: how strong each is, how many one customer may have, how it is written.

A namespace is of one of three classes. STRONG names one known person in some system (user id,
external id, card). CONTACT is an address that a person may change or share (e-mail, phone). DEVICE
is a thing that anybody may hold (browser, app, device). Rules are data: `rule(namespace)`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import email_validator
import phonenumbers

from touchloop.core import settings

STRONG: Final = 0
CONTACT: Final = 1
DEVICE: Final = 2
MAX_LENGTH: Final = 500


@dataclass(frozen=True, slots=True)
class Rule:
    """How identifiers of one namespace behave.

    `priority`: smaller leads. `limit`: how many a customer may have before no more join by
    themselves. `evidence_up_to`: touching more known people than this, a shared identifier is a
    public thing (a kiosk, info@) and no longer a reason to suggest a merge.
    """

    name: str
    kind: int
    priority: int
    limit: int
    evidence_up_to: int
    write: Callable[[str], str | None]
    blocked: frozenset[str]

    @property
    def strong(self) -> bool:
        return self.kind == STRONG

    @property
    def device(self) -> bool:
        return self.kind == DEVICE


def normalise(namespace: str, value: object) -> str | None:
    """The one written form of an identifier, or None when it is blocked or cannot be one."""
    if type(value) is int:
        value = str(value)
    if not isinstance(value, str) or not value or len(value) > 2 * MAX_LENGTH:
        return None
    return _normalised(namespace, value)


def rule(namespace: str) -> Rule:
    """The rule of a namespace; `external:<type>` share one. Raises KeyError for an unknown one."""
    found = _RULES.get(namespace)
    if found is None:
        if not _EXTERNAL.fullmatch(namespace):
            raise KeyError(namespace)
        found = _RULES["external"]
    return found


def for_external_id(type: str) -> str | None:
    """The namespace of a Segment `externalIds[].type`; None when the type cannot name one."""
    word = type.strip().lower()
    if word in _KNOWN_TYPES:
        return _KNOWN_TYPES[word]
    namespace = f"external:{word}"
    return namespace if _EXTERNAL.fullmatch(namespace) else None


@lru_cache(maxsize=100_000)
def _normalised(namespace: str, value: str) -> str | None:
    try:
        namespace_rule = rule(namespace)
    except KeyError:
        return None
    value = value.strip()
    # NUL, line breaks and halves of surrogate pairs have no place in an identifier.
    if not value or not value.isprintable() or value.casefold() in namespace_rule.blocked:
        return None
    written = namespace_rule.write(value)
    if written is None or not written or len(written) > MAX_LENGTH:
        return None
    if written.casefold() in namespace_rule.blocked or _NOTHING.fullmatch(written):
        return None
    return written


def _as_it_is(value: str) -> str:
    return unicodedata.normalize("NFC", value)


def _card(value: str) -> str:
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", value)).upper()


def _email(value: str) -> str | None:
    folded = value.lower()
    if len(folded) <= 64 and _PLAIN_EMAIL.fullmatch(folded):
        return folded
    try:
        checked = email_validator.validate_email(
            value,
            check_deliverability=False,
            globally_deliverable=False,
            test_environment=True,
            strict=True,
        )
    except email_validator.EmailNotValidError:
        return None
    if "." not in checked.domain:
        return None
    return unicodedata.normalize("NFC", checked.normalized.lower())


def _phone(value: str) -> str | None:
    """E.164. An extension stays with it: two desks behind one number are not one person."""
    try:
        number = phonenumbers.parse(value, settings.default_region())
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return f"{written};ext={number.extension}" if number.extension else written


_EXTERNAL = re.compile(r"external:[a-z0-9][a-z0-9_.\-]{0,49}")
_NOTHING = re.compile(r"[0\-._ ]*")  # zeroes and dashes: an advertising id that was refused
_SEPARATORS = re.compile(r"[\s\-_./\\]+")
_PLAIN_EMAIL = re.compile(  # what needs no parser; anything else goes to email-validator
    r"[a-z0-9_+]+(?:[.\-][a-z0-9_+]+)*@(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+[a-z]{2,}"
)
_NOBODY_WORDS = """
    - -1 0 <nil> anon anonymous anonymous_id anonymousid customer customer_id default device_id
    distinct_id distinctid email false guest id n.a. n/a na nan nil no_user no_value nobody none
    not_authenticated not_set null phone test true undefined unknown user user_id userid visitor
    {} [] (none) (null) ${userid} {{user_id}} {{userid}}
"""
_NO_ADDRESS_WORDS = """
    a@a.com abc@abc.com anonymous@anonymous.com email@email.com guest@guest.com na@na.com
    noemail@noemail.com none@none.com null@null.com test@test.com user@user.com x@x.com
"""
_NOBODY = frozenset(_NOBODY_WORDS.split()) | {"[object object]", "(not set)", "not set"}
_NO_ADDRESS = _NOBODY | frozenset(_NO_ADDRESS_WORDS.split())

_RULES: Final = {
    each.name: each
    for each in (
        Rule("user_id", STRONG, 0, 1, 5, _as_it_is, _NOBODY),
        Rule("external", STRONG, 1, 1, 5, _as_it_is, _NOBODY),
        Rule("card", STRONG, 2, 5, 5, _card, _NOBODY),
        Rule("email", CONTACT, 3, 5, 5, _email, _NO_ADDRESS),
        Rule("phone", CONTACT, 4, 5, 5, _phone, _NOBODY),
        Rule("anonymous_id", DEVICE, 5, 200, 5, _as_it_is, _NOBODY),
        Rule("device", DEVICE, 6, 50, 5, _as_it_is, _NOBODY),
    )
}
_KNOWN_TYPES: Final = {
    "user_id": "user_id",
    "userid": "user_id",
    "email": "email",
    "phone": "phone",
    "anonymous_id": "anonymous_id",
    "anonymousid": "anonymous_id",
    "card": "card",
    "loyalty_card": "card",
    "card_number": "card",
    "household_key": "card",
    "device": "device",
    "device_id": "device",
    "android.id": "device",
    "android.idfa": "device",
    "ios.id": "device",
    "ios.idfa": "device",
    "android.push_token": "device",
    "ios.push_token": "device",
}
