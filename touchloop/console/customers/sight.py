"""What a reader may see of customers: whom, and which details. core/access is what decides."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from touchloop.core import access
from touchloop.core.access import Actor, Field
from touchloop.core.db import Connection
from touchloop.profiles.api import locations_of, touchpoints_of

CONTACT_TRAITS = frozenset(
    {
        "email", "phone", "mobile", "address", "street", "postalcode", "postal_code", "zip", "fax",
        "telephone", "phonenumber", "phone_number", "emailaddress", "email_address",
    }
)  # fmt: skip
NUMBERS = frozenset(
    {
        "userid", "anonymousid", "previousid", "externalids", "groupid", "id", "card", "device",
        "deviceid", "advertisingid", "token", "loyalty_card", "card_number",
    }
)  # fmt: skip
PLACES_ON_THE_NET = frozenset({"ip", "useragent"})
HIDDEN = "•••"


@dataclass(frozen=True, slots=True)
class Sight:
    """The answers of the access policy for one reader, asked once a request."""

    contact: bool
    identifiers: bool
    evidence: bool
    locations: tuple[str, ...] | None  # None: everywhere

    @property
    def everything(self) -> bool:
        return self.contact and self.identifiers

    def shows_trait(self, name: str) -> bool:
        return self.contact or name.lower() not in CONTACT_TRAITS

    def shows_namespace(self, namespace: str) -> bool:
        return self.contact if namespace in ("email", "phone") else self.identifiers

    @property
    def namespaces(self) -> list[str] | None:
        """The identifiers that may be searched by; None: every one."""
        if self.everything:
            return None
        return ["email", "phone", "customer"] if self.contact else ["customer"]

    def masked(self, body: Any) -> Any:
        """The body of an interaction without what this reader may not see."""
        return body if self.everything else _masked(body, self)


def of(actor: Actor) -> Sight:
    """What this person sees."""
    scope = access.scope(actor)
    return Sight(
        contact=access.shows(actor, Field.CONTACT),
        identifiers=access.shows(actor, Field.IDENTIFIERS),
        evidence=access.shows(actor, Field.CONSENT_EVIDENCE),
        locations=None if scope.everybody else scope.locations,
    )


def covers(sight: Sight, conn: Connection, customer_id: int) -> bool:
    """Is this customer within the reader's scope?"""
    if sight.locations is None:
        return True
    return not locations_of(conn, customer_id).isdisjoint(sight.locations)


def touchpoints(sight: Sight, conn: Connection) -> list[int] | None:
    """The touchpoints that the reader is confined to; None: not confined."""
    return None if sight.locations is None else touchpoints_of(conn, sight.locations)


def _masked(value: Any, sight: Sight, key: str = "") -> Any:
    if _hides(key, sight):
        return HIDDEN
    if isinstance(value, Mapping):
        return {name: _masked(part, sight, str(name)) for name, part in value.items()}
    if isinstance(value, list):
        return [_masked(part, sight, key) for part in value]
    if isinstance(value, str) and not sight.contact:
        return _EMAIL.sub(HIDDEN, value)
    return value


def _hides(key: str, sight: Sight) -> bool:
    name = key.lower()
    if not sight.contact and (name in CONTACT_TRAITS or name in PLACES_ON_THE_NET):
        return True
    return not sight.identifiers and name in NUMBERS


_EMAIL = re.compile(r"[^\s@\"'<>]+@[^\s@\"'<>]+\.[^\s@\"'<>]+")
