"""How this installation calls itself. Asked for in many places of a page, and read once for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from zoneinfo import available_timezones

from django.db import transaction
from django.utils.translation import gettext as _

from touchloop.console.models import Organisation
from touchloop.core import audit
from touchloop.core.accounts.api import Person
from touchloop.core.errors import Invalid


@dataclass(frozen=True, slots=True)
class House:
    name: str = "Touchloop"
    time_zone: str = "UTC"
    currency: str = "USD"
    collector_url: str = ""


_read: ContextVar[House | None] = ContextVar("organisation", default=None)


def current() -> House:
    """As it is, or as it was when the request began."""
    return _read.get() or _stored()


@contextmanager
def read_once() -> Iterator[House]:
    """Within the block `current` does not ask the database again."""
    house = _stored()
    token = _read.set(house)
    try:
        yield house
    finally:
        _read.reset(token)


def change(house: House, *, actor: Person) -> None:
    """Keep the new values. Raises Invalid."""
    _check(house)
    with transaction.atomic():
        row = Organisation.objects.select_for_update().order_by("id").first() or Organisation()
        before = asdict(_house(row))
        after = asdict(house)
        if before == after and row.pk:
            return
        for key, value in after.items():
            setattr(row, key, value)
        row.save()
        changed = [key for key in after if before[key] != after[key]]
        audit.record(
            "organisation.changed",
            by=actor,
            kind="organisation",
            id=row.pk,
            name=house.name,
            before={key: before[key] for key in changed},
            after={key: after[key] for key in changed},
        )
    if _read.get() is not None:
        _read.set(house)


def _check(house: House) -> None:
    if not house.name.strip():
        raise Invalid("name", _("Give the organisation a name."))
    if house.time_zone not in available_timezones():
        raise Invalid("time_zone", _("Choose a time zone like Europe/Berlin."))
    if len(house.currency) != 3 or not house.currency.isascii() or not house.currency.isupper():
        raise Invalid("currency", _("Use the three letters of the currency, like EUR."))
    if house.collector_url and not house.collector_url.startswith(("http://", "https://")):
        raise Invalid("collector_url", _("Start the address with https:// or http://."))


def _stored() -> House:
    row = Organisation.objects.order_by("id").first()
    return _house(row) if row else House()


def _house(row: Organisation) -> House:
    return House(
        name=row.name,
        time_zone=row.time_zone,
        currency=row.currency,
        collector_url=row.collector_url,
    )
