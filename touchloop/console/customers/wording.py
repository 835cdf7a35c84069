"""What an interaction was, in words: a line that a person can read, and a line under it.

Words of customers are plain text here; templates escape them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from touchloop.console.ui import words
from touchloop.profiles.api import Item

LONGEST = 160
SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹"}


@dataclass(frozen=True, slots=True)
class Told:
    """An interaction as a timeline shows it."""

    title: str
    text: str = ""
    icon: str = "circle-dot"
    tone: str = "record"
    simulated: bool = False


def tell(item: Item, *, currency: str) -> Told:
    """One interaction in words."""
    teller = _TELLERS.get(item.name) if item.type in ("track", "system") else _TYPES.get(item.type)
    told = (teller or _anything)(item, currency)
    simulated = item.properties.get("simulated") is True
    return Told(_short(told.title), _short(told.text), told.icon, told.tone, simulated)


def money(amount: float | None, currency: str) -> str:
    """An amount as people write it: $45.20; 1,200 CHF."""
    if amount is None:
        return words.DASH
    written = f"{words.figure(int(amount))}{f'{abs(amount) % 1:.2f}'[1:]}"
    if abs(amount) < 1:
        written = f"{amount:.2f}"
    symbol = SYMBOLS.get(currency)
    return f"{symbol}{written}" if symbol else f"{written} {currency}"


def plain(name: str) -> str:
    """A name of goods without the shouting of old systems."""
    return name.capitalize() if name.isupper() else name


def namespace(name: str) -> str:
    """What an identifier is called."""
    known = _NAMESPACES.get(name)
    return str(known) if known else name.removeprefix("external:")


def channel(name: str) -> str:
    """What a channel is called."""
    known = _CHANNELS.get(name)
    return str(known) if known else name.replace("_", " ").capitalize()


def authority(level: int) -> str:
    """Who stands behind a value."""
    return str(_AUTHORITIES.get(level, ""))


def stage(name: str) -> str:
    """The stage of the relationship."""
    known = _STAGES.get(name)
    return str(known) if known else name.replace("_", " ").capitalize()


def value(given: Any) -> str:
    """A value of a trait or property on one line."""
    if given is None:
        return words.DASH
    if isinstance(given, bool):
        return _("yes") if given else _("no")
    if isinstance(given, (int, float)):
        return words.figure(given)
    if isinstance(given, list):
        return _short(", ".join(value(part) for part in given[:8]))
    if isinstance(given, Mapping):
        return _short(", ".join(f"{name}: {value(part)}" for name, part in list(given.items())[:8]))
    text = str(given)
    return formats.date_format(moment, "DATE_FORMAT") if (moment := _moment(text)) else text


def _moment(text: str) -> datetime | None:
    """A date that is written as machines write it."""
    if len(text) < 10 or not _ISO.match(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _order(item: Item, currency: str) -> Told:
    products = [each for each in _list(item.properties.get("products")) if isinstance(each, dict)]
    count = len(products)
    amount = money(item.value, currency) if item.value is not None else ""
    if count:
        bought = ngettext("Bought %(n)d product", "Bought %(n)d products", count) % {"n": count}
    else:
        bought = _("Bought")
    for_money = _("%(bought)s for %(amount)s") % {"bought": bought, "amount": amount}
    title = for_money if amount else bought
    return Told(title, _products(products), icon="shopping-basket")


def _refund(item: Item, currency: str) -> Told:
    amount = money(item.value, currency) if item.value is not None else ""
    title = _("Returned goods worth %s") % amount if amount else _("Returned goods")
    text = _products(_list(item.properties.get("products")))
    return Told(title, text, icon="undo-2", tone="danger")


def _viewed(item: Item, currency: str) -> Told:
    return Told(_("Looked at %s") % _called(item), icon="eye")


def _added(item: Item, currency: str) -> Told:
    return Told(_("Put %s into the cart") % _called(item), icon="shopping-cart")


def _removed(item: Item, currency: str) -> Told:
    return Told(_("Took %s out of the cart") % _called(item), icon="shopping-cart")


def _checkout(item: Item, currency: str) -> Told:
    return Told(_("Went to the checkout"), _facts(item), icon="credit-card")


def _coupon(item: Item, currency: str) -> Told:
    found = _first(item, "coupon_upc", "coupon", "coupon_id")
    title = _("Redeemed coupon %s") % found if found else _("Redeemed a coupon")
    campaign = _first(item, "campaign_id", "campaign")
    text = _("From campaign %s") % campaign if campaign else ""
    return Told(title, text, icon="ticket", tone="engage")


def _campaign(item: Item, currency: str) -> Told:
    found = _first(item, "campaign_name", "campaign", "campaign_id")
    return Told(
        _("Was sent campaign %s") % found if found else _("Was sent a campaign"),
        _facts(item, skip=("campaign", "campaign_id", "campaign_name")),
        icon="send",
        tone="engage",
    )


def _consent(item: Item, currency: str) -> Told:
    given = {"Consent Given": _("Gave consent"), "Consent Withdrawn": _("Withdrew consent")}
    return Told(
        given.get(item.name, item.name), _facts(item), icon="shield-check", tone="experience"
    )


def _choice(item: Item, currency: str) -> Told:
    properties = item.properties
    author = str(properties.get("author") or _("Somebody"))
    what = str(properties.get("purpose") or channel(str(properties.get("channel", ""))))
    topic = str(properties.get("topic") or "")
    said = {
        "granted": _("The customer said yes to %(what)s, noted by %(who)s"),
        "denied": _("The customer said no to %(what)s, noted by %(who)s"),
    }.get(str(properties.get("state")), _("What the customer said of %(what)s: %(who)s"))
    about = _("%(channel)s about %(topic)s") % {"channel": what, "topic": topic} if topic else what
    return Told(
        said % {"what": about, "who": author},
        _facts(item),
        icon="shield-check",
        tone="experience",
    )


def _note(item: Item, currency: str) -> Told:
    author = str(item.properties.get("author") or _("Somebody"))
    text = str(item.properties.get("text") or "")
    return Told(_("%s wrote a note") % author, text, icon="sticky-note")


def _changed(item: Item, currency: str) -> Told:
    author = str(item.properties.get("author") or _("Somebody"))
    return Told(
        _("%(who)s changed %(what)s") % {"who": author, "what": item.properties.get("trait", "")},
        value(item.properties.get("value")),
        icon="pencil",
    )


def _entered(item: Item, currency: str) -> Told:
    return Told(_("Entered the segment %s") % _segment(item), icon="log-in", tone="experience")


def _left(item: Item, currency: str) -> Told:
    return Told(_("Left the segment %s") % _segment(item), icon="log-out", tone="")


def _identify(item: Item, currency: str) -> Told:
    traits = item.traits
    named = ", ".join(list(traits)[:6])
    count = len(traits)
    if not count:
        return Told(_("Was recognised"), icon="user-check")
    title = ngettext("Told us %(n)d fact", "Told us %(n)d facts", count) % {"n": count}
    return Told(title, named, icon="user-pen")


def _page(item: Item, currency: str) -> Told:
    properties = item.properties
    seen = item.name or properties.get("title") or properties.get("path") or properties.get("url")
    return Told(
        _("Opened %s") % seen if seen else _("Opened a page"),
        str(properties.get("url") or properties.get("path") or ""),
        icon="panel-top",
    )


def _screen(item: Item, currency: str) -> Told:
    return Told(_("Opened %s in the app") % (item.name or _("a screen")), icon="smartphone")


def _alias(item: Item, currency: str) -> Told:
    return Told(_("Became known under another number"), icon="link")


def _group(item: Item, currency: str) -> Told:
    return Told(_("Was counted to group %s") % value(item.body.get("groupId")), icon="users")


def _anything(item: Item, currency: str) -> Told:
    title = item.name or item.type
    if item.value is not None:
        title = f"{title} · {money(item.value, currency)}"
    return Told(
        title,
        _facts(item),
        icon="send" if item.outgoing else "circle-dot",
        tone="engage" if item.outgoing else "record",
    )


def _facts(item: Item, *, skip: Sequence[str] = ()) -> str:
    """The first plain properties, as words."""
    plain = [
        f"{name.replace('_', ' ')} {value(given)}"
        for name, given in item.properties.items()
        if isinstance(given, (str, int, float))
        and given != ""
        and name not in skip
        and name not in ("simulated", "order_id")
    ]
    return " · ".join(plain[:4])


def _products(products: Sequence[Any]) -> str:
    named = [
        str(each.get("name") or each.get("category") or each.get("department") or "")
        for each in products
        if isinstance(each, dict)
    ]
    shown = list(dict.fromkeys(plain(name) for name in named if name))
    more = len(shown) - 3
    return ", ".join(shown[:3]) + (_(" and %d more") % more if more > 0 else "")


def _called(item: Item) -> str:
    return str(item.properties.get("name") or item.properties.get("product_id") or _("a product"))


def _segment(item: Item) -> str:
    properties = item.properties
    return str(properties.get("name") or properties.get("segment") or properties.get("slug") or "")


def _first(item: Item, *names: str) -> str:
    """The first of these properties that says something."""
    return next((value(item.properties[name]) for name in names if item.properties.get(name)), "")


def _list(given: Any) -> list[Any]:
    return given if isinstance(given, list) else []


def _short(text: object) -> str:
    flat = " ".join(str(text).split())
    return flat if len(flat) <= LONGEST else flat[: LONGEST - 1] + "…"


_ISO = re.compile(r"\d{4}-\d\d-\d\d(T|$)")
_TELLERS: dict[str, Callable[[Item, str], Told]] = {
    "Order Completed": _order,
    "Order Refunded": _refund,
    "Product Viewed": _viewed,
    "Product Clicked": _viewed,
    "Product Added": _added,
    "Product Removed": _removed,
    "Checkout Started": _checkout,
    "Coupon Redeemed": _coupon,
    "Campaign Delivered": _campaign,
    "Consent Given": _consent,
    "Consent Withdrawn": _consent,
    "Choice Noted": _choice,
    "Note Added": _note,
    "Trait Changed": _changed,
    "Segment Entered": _entered,
    "Segment Left": _left,
}
_TYPES: dict[str, Callable[[Item, str], Told]] = {
    "identify": _identify,
    "page": _page,
    "screen": _screen,
    "alias": _alias,
    "group": _group,
}
_NAMESPACES = {
    "user_id": gettext_lazy("User id"),
    "card": gettext_lazy("Card"),
    "email": gettext_lazy("E-mail"),
    "phone": gettext_lazy("Phone"),
    "anonymous_id": gettext_lazy("Browser"),
    "device": gettext_lazy("Device"),
    "customer": gettext_lazy("Customer number"),
}
_CHANNELS = {
    "web": gettext_lazy("Web"),
    "mobile": gettext_lazy("App"),
    "store": gettext_lazy("Store"),
    "call_centre": gettext_lazy("Call centre"),
    "ivr": gettext_lazy("Phone menu"),
    "email": gettext_lazy("E-mail"),
    "mail": gettext_lazy("Letter"),
    "sms": gettext_lazy("SMS"),
    "system": gettext_lazy("Touchloop"),
    "import": gettext_lazy("Import"),
    "in_person": gettext_lazy("In person"),
}
_AUTHORITIES = {
    4: gettext_lazy("said by the customer"),
    3: gettext_lazy("entered by staff"),
    2: gettext_lazy("from a system"),
    1: gettext_lazy("from an import"),
    0: gettext_lazy("inferred"),
}
_STAGES = {
    "prospect": gettext_lazy("Prospect"),
    "new": gettext_lazy("New"),
    "satisfied": gettext_lazy("Satisfied"),
    "loyal": gettext_lazy("Loyal"),
    "advocate": gettext_lazy("Advocate"),
    "at_risk": gettext_lazy("At risk"),
    "lost": gettext_lazy("Lost"),
}
