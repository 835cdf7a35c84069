"""How this installation calls itself. Read on every page, so kept for some seconds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from zoneinfo import available_timezones

from django.core.cache import cache
from django.db import transaction
from django.utils.translation import gettext as _

from touchloop.console.models import Organisation
from touchloop.core import audit
from touchloop.core.accounts.api import Person
from touchloop.core.errors import Invalid

KEY = "organisation"
KEPT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class House:
    name: str = "Touchloop"
    time_zone: str = "UTC"
    currency: str = "USD"
    collector_url: str = ""


def current() -> House:
    kept: House | None = cache.get(KEY)
    if kept is None:
        row = Organisation.objects.order_by("id").first()
        kept = _house(row) if row else House()
        cache.set(KEY, kept, KEPT_SECONDS)
    return kept


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
    cache.delete(KEY)


def _check(house: House) -> None:
    if not house.name.strip():
        raise Invalid("name", _("Give the organisation a name."))
    if house.time_zone not in available_timezones():
        raise Invalid("time_zone", _("Choose a time zone like Europe/Berlin."))
    if len(house.currency) != 3 or not house.currency.isascii() or not house.currency.isupper():
        raise Invalid("currency", _("Use the three letters of the currency, like EUR."))
    if house.collector_url and not house.collector_url.startswith(("http://", "https://")):
        raise Invalid("collector_url", _("Start the address with https:// or http://."))


def _house(row: Organisation) -> House:
    return House(
        name=row.name,
        time_zone=row.time_zone,
        currency=row.currency,
        collector_url=row.collector_url,
    )
