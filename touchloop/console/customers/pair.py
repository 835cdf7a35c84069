"""Two customers side by side: what is the same, what differs, what only one has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from touchloop.console import organisation
from touchloop.console.customers import listing, wording
from touchloop.console.customers.sight import Sight
from touchloop.console.ui import words
from touchloop.core.db import Connection
from touchloop.identity import api as identity
from touchloop.profiles.api import Customer

IDENTIFIERS = 8
FACTS = 14


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two."""

    id: int
    name: str
    stage: str
    last_seen_at: datetime | None
    identifiers: Sequence[tuple[str, str]]
    more: int


@dataclass(frozen=True, slots=True)
class Line:
    """One thing about both; `same` is None where only one of them has it."""

    label: str
    one: str
    other: str
    same: bool | None


@dataclass(frozen=True, slots=True)
class Pair:
    """Both, and what they say of the same things."""

    one: Side
    other: Side
    lines: Sequence[Line]

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.one, self.other


def pair(conn: Connection, one: Customer, other: Customer, sees: Sight) -> Pair:
    """What a person needs to decide whether they are one."""
    return Pair(_side(conn, one, sees), _side(conn, other, sees), _lines(one, other, sees))


def _side(conn: Connection, customer: Customer, sees: Sight) -> Side:
    held = identity.identifiers(conn, customer.id, limit=200)
    shown = [
        (wording.namespace(each.namespace), each.value)
        for each in held
        if sees.shows_namespace(each.namespace)
    ]
    return Side(
        id=customer.id,
        name=listing.called(customer.display_name, customer.leader, customer.id, sees),
        stage=wording.stage(customer.stage),
        last_seen_at=customer.last_seen_at,
        identifiers=shown[:IDENTIFIERS],
        more=max(len(held) - min(len(shown), IDENTIFIERS), 0),
    )


def _lines(one: Customer, other: Customer, sees: Sight) -> list[Line]:
    currency = organisation.current().currency
    told = [{fact.name: fact.value for fact in each.facts} for each in (one, other)]
    names = [name for name in {**told[0], **told[1]} if sees.shows_trait(name)]
    both = sorted(names, key=lambda name: (not (name in told[0] and name in told[1]), name))
    facts = [
        Line(
            name,
            _value(told[0], name),
            _value(told[1], name),
            told[0][name] == told[1][name] if name in told[0] and name in told[1] else None,
        )
        for name in both[:FACTS]
    ]
    figures = [
        Line(_("Orders"), words.figure(one.orders), words.figure(other.orders), None),
        Line(
            _("Spend"),
            wording.money(one.spend, currency),
            wording.money(other.spend, currency),
            None,
        ),
    ]
    return [*facts, *figures]


def _value(told: dict[str, object], name: str) -> str:
    return wording.value(told[name]) if name in told else ""
