"""The list of customers: its columns, and its filter as it stands in the address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from touchloop.console.customers import wording
from touchloop.console.customers.sight import Sight
from touchloop.console.ui import cells
from touchloop.console.ui.tables import Column
from touchloop.core.errors import Invalid
from touchloop.profiles.api import Among, Filter, Listed

STAGES = ("prospect", "new", "satisfied", "loyal", "advocate", "at_risk", "lost")
MOST_TRAIT_COLUMNS = 12
MOST_TRAIT_FILTERS = 5


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is on, and the address without it."""

    label: str
    remove: str


def called(display_name: str, leader: tuple[str, str], id: int, sight: Sight) -> str:
    """What a customer is called: its name, else its leading identifier, else its number."""
    if display_name and (sight.contact or "@" not in display_name):
        return display_name
    namespace, value = leader
    if value and sight.shows_namespace(namespace) and namespace != "anonymous_id":
        return value
    return _("Customer %d") % id


def wanted(asked: QueryDict, sight: Sight, *, segments: Mapping[int, str]) -> Filter:
    """The filter that an address describes. Raises Invalid for a value that cannot be one."""
    among = []
    segment = asked.get("segment", "")
    if segment.isdigit() and int(segment) in segments:
        among.append(Among(_IN_SEGMENT, {"segment": int(segment)}))
    if score := asked.get("score", "")[:200].replace("\0", ""):
        low, high = _number(asked, "score_from"), _number(asked, "score_to")
        among.append(Among(_BY_SCORE, {"score": score, "low": low, "high": high}))
    return Filter(
        stages=tuple(stage for stage in asked.getlist("stage") if stage in STAGES),
        traits=tuple(traits_asked(asked, sight)),
        seen_from=_day(asked, "seen_from"),
        seen_to=_day(asked, "seen_until"),
        spend_from=_number(asked, "spend_from"),
        spend_to=_number(asked, "spend_to"),
        orders_from=_whole(asked, "orders_from"),
        orders_to=_whole(asked, "orders_to"),
        locations=tuple(place[:200] for place in asked.getlist("location") if place)[:20],
        only_at=sight.locations,
        among=tuple(among),
    )


def traits_asked(asked: QueryDict, sight: Sight) -> list[tuple[str, str]]:
    """Pairs from `trait` (name=value); what the reader may not see cannot be asked for."""
    pairs = [pair.partition("=") for pair in asked.getlist("trait")]
    if typed := asked.get("trait_name"):
        pairs.append((typed, "=", asked.get("trait_value", "")))
    return [
        (name[:200], value[:300])
        for name, equals, value in pairs
        if name and equals and sight.shows_trait(name) and "\0" not in name + value
    ][:MOST_TRAIT_FILTERS]


def chips(asked: QueryDict, sight: Sight, *, segments: Mapping[int, str]) -> list[Chip]:
    """The filters that are on, in words, each with the address that takes it away."""
    found = []
    for stage in asked.getlist("stage"):
        if stage in STAGES:
            found.append(_chip(asked, wording.stage(stage), stage=stage))
    segment = asked.get("segment", "")
    if segment.isdigit() and int(segment) in segments:
        found.append(_chip(asked, _("In %s") % segments[int(segment)], segment=segment))
    if score := asked.get("score", "")[:200]:
        low, high = asked.get("score_from", ""), asked.get("score_to", "")
        said = _range(_("Score %s") % score, low, high) if low or high else _("Score %s") % score
        found.append(_chip(asked, said, score=score, score_from=low, score_to=high))
    for place in asked.getlist("location"):
        if place:
            found.append(_chip(asked, _("Came to %s") % place, location=place))
    for name, value in traits_asked(asked, sight):
        found.append(
            _chip(
                asked,
                f"{name}: {value}",
                trait=f"{name}={value}",
                trait_name=name,
                trait_value=value,
            )
        )
    for low, high, words in _RANGES:
        given = asked.get(low, ""), asked.get(high, "")
        if any(given):
            found.append(
                _chip(asked, _range(str(words), *given), **{low: given[0], high: given[1]})
            )
    return found


def columns(sight: Sight, *, currency: str, traits: Sequence[str]) -> tuple[Column, ...]:
    """The columns that this reader may have."""
    name = Column("name", gettext_lazy("Customer"), cell=lambda row: _name(row, sight), sorts=True)
    spend = Column(
        "spend",
        gettext_lazy("Spend"),
        cell=lambda row: cells.text(wording.money(row.spend, currency)),
        sorts=True,
        end=True,
    )
    shown = [name for name in traits if sight.shows_trait(name)][:MOST_TRAIT_COLUMNS]
    return (
        name,
        *(_CONTACT if sight.contact else ()),
        *_SEEN,
        spend,
        *_MORE,
        *(_trait_column(name) for name in shown),
    )


def traits_shown(chosen: Sequence[str]) -> list[str]:
    """The traits behind the chosen columns."""
    return [key.removeprefix("trait.") for key in chosen if key.startswith("trait.")]


def _trait_column(name: str) -> Column:
    return Column(
        f"trait.{name}",
        name,
        minor=True,
        hidden=True,
        cell=lambda row: cells.text(wording.value(row.shown_traits.get(name))),
    )


def _name(row: Listed, sight: Sight) -> SafeString:
    name = called(row.display_name, row.leader, row.id, sight)
    return format_html(
        '<a class="lead" href="{}"><bdi>{}</bdi></a>', reverse("customer", args=[row.id]), name
    )


def _shown(value: str) -> SafeString:
    return format_html("<bdi>{}</bdi>", value) if value else cells.text("")


def _chip(asked: QueryDict, label: str, **gone: str) -> Chip:
    kept = [
        (key, value)
        for key, values in asked.lists()
        for value in values
        if key != "after" and not (key in gone and value == gone[key])
    ]
    return Chip(label, f"{reverse('customers')}?{urlencode(kept)}")


def _range(words: str, low: str, high: str) -> str:
    if low and high:
        return _("%(what)s %(low)s to %(high)s") % {"what": words, "low": low, "high": high}
    if low:
        return _("%(what)s from %(low)s") % {"what": words, "low": low}
    return _("%(what)s up to %(high)s") % {"what": words, "high": high}


def _day(asked: QueryDict, name: str) -> date | None:
    given = asked.get(name, "")
    try:
        return date.fromisoformat(given) if given else None
    except ValueError:
        raise Invalid(name, _("Write the day like 2026-01-31.")) from None


def _number(asked: QueryDict, name: str) -> float | None:
    given = asked.get(name, "").replace(" ", "")
    if not given:
        return None
    try:
        number = float(given)
    except ValueError:
        raise Invalid(name, _("Write a number.")) from None
    if not -1e12 < number < 1e12:
        raise Invalid(name, _("Write a smaller number."))
    return number


def _whole(asked: QueryDict, name: str) -> int | None:
    number = _number(asked, name)
    return None if number is None else int(max(-2e9, min(number, 2e9)))


_CONTACT = (
    Column("email", gettext_lazy("E-mail"), cell=lambda row: _shown(row.email), minor=True),
    Column(
        "phone",
        gettext_lazy("Phone"),
        cell=lambda row: _shown(row.phone),
        minor=True,
        hidden=True,
    ),
)
_SEEN = (
    Column("stage", gettext_lazy("Stage"), cell=lambda row: cells.badge(wording.stage(row.stage))),
    Column(
        "seen", gettext_lazy("Last seen"), cell=lambda row: cells.when(row.last_seen_at), sorts=True
    ),
    Column(
        "orders",
        gettext_lazy("Orders"),
        cell=lambda row: cells.figure(row.orders),
        sorts=True,
        end=True,
        minor=True,
    ),
)
_MORE = (
    Column(
        "interactions",
        gettext_lazy("Interactions"),
        cell=lambda row: cells.figure(row.interactions),
        end=True,
        minor=True,
    ),
    Column(
        "since",
        gettext_lazy("Number"),
        cell=lambda row: cells.quiet(row.id),
        sorts=True,
        minor=True,
        hidden=True,
    ),
    Column(
        "first",
        gettext_lazy("First seen"),
        cell=lambda row: cells.when(row.first_seen_at, form="date"),
        minor=True,
        hidden=True,
    ),
)
_RANGES: tuple[tuple[str, str, Any], ...] = (
    ("seen_from", "seen_until", gettext_lazy("Last seen")),
    ("spend_from", "spend_to", gettext_lazy("Spend")),
    ("orders_from", "orders_to", gettext_lazy("Orders")),
)
# Limits are part of it: a cell of a grid, a tenth.
_BY_SCORE = """
SELECT customer_id FROM scores WHERE name = %(score)s
  AND (%(low)s::float8 IS NULL OR value >= %(low)s)
  AND (%(high)s::float8 IS NULL OR value <= %(high)s)
"""
_IN_SEGMENT = "SELECT customer_id FROM segment_members WHERE segment_id = %(segment)s"
