"""What changed for customers today, in sentences; each leads to those customers."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import ngettext

from touchloop.console.loop.figures import Figures, Happened
from touchloop.console.ui import words
from touchloop.core.db import Connection


@dataclass(frozen=True, slots=True)
class Change:
    """One sentence."""

    text: SafeString
    url: str
    icon: str
    tone: str


@dataclass(frozen=True, slots=True)
class Look:
    """How a sentence is marked."""

    icon: str
    tone: str
    state: str = ""  # of the deliveries behind it


def changes(conn: Connection, figures: Figures) -> list[Change]:
    """The most telling first: segments, then what was done."""
    rows = conn.execute(_SEGMENTS, {"start": figures.start}).fetchall()
    moved = [
        change
        for id, name, came, filled in rows
        if (change := _moved(id, name, came, figures.left.get(id, 0), filled)) is not None
    ]
    return [*moved, *(_happened(each, figures) for each in figures.happened)]


def _moved(id: int, name: str, came: int, left: int, filled: bool) -> Change | None:
    url = reverse("segment_moves", args=[id])
    if filled and came:
        text = ngettext(
            "%(n)s customer was found for %(segment)s when it was filled from history",
            "%(n)s customers were found for %(segment)s when it was filled from history",
            came,
        )
        return _change(text, came, name, reverse("segment", args=[id]), icon="history")
    if came and left:
        text = ngettext(
            "%(n)s customer entered %(segment)s; %(left)s left",
            "%(n)s customers entered %(segment)s; %(left)s left",
            came,
        )
        return _change(text, came, name, url, left=left, icon="arrow-left-right")
    if came:
        text = ngettext(
            "%(n)s customer entered %(segment)s", "%(n)s customers entered %(segment)s", came
        )
        return _change(text, came, name, url, icon="log-in")
    if left:
        text = ngettext("%(n)s customer left %(segment)s", "%(n)s customers left %(segment)s", left)
        return _change(text, left, name, url, icon="log-out")
    return None


def _happened(each: Happened, figures: Figures) -> Change:
    text = ngettext(
        "%(n)s customer: %(event)s, %(times)s in all",
        "%(n)s customers: %(event)s, %(times)s in all",
        each.customers,
    )
    known = {
        "Order Completed": ngettext(
            "%(n)s customer bought: %(times)s orders",
            "%(n)s customers bought: %(times)s orders",
            each.customers,
        ),
        "Campaign Delivered": ngettext(
            "%(n)s customer was sent a campaign",
            "%(n)s customers were sent a campaign",
            each.customers,
        ),
        "Coupon Redeemed": ngettext(
            "%(n)s customer redeemed %(times)s coupons",
            "%(n)s customers redeemed %(times)s coupons",
            each.customers,
        ),
        **_brought(each.customers),
    }
    look = _LOOKS.get(each.name, _PLAIN)
    seen = f"{reverse('customers')}?seen_from={figures.start.date().isoformat()}"
    said = str(known.get(each.name, text)).replace("%(", "{").replace(")s", "}")
    return Change(
        format_html(
            said,
            n=format_html("<b>{}</b>", words.figure(each.customers)),
            times=words.figure(each.times),
            event=format_html("<em>{}</em>", each.name[:80]),
        ),
        f"{reverse('outbox')}?state={look.state}" if look.state else seen,
        look.icon,
        look.tone,
    )


def _brought(n: int) -> dict[str, str]:
    """News of messages, as one would say them."""
    return {
        "Message Handed": ngettext(
            "%(n)s customer was brought a message, %(times)s in all",
            "%(n)s customers were brought a message, %(times)s in all",
            n,
        ),
        "Message Confirmed": ngettext(
            "%(n)s customer is known to have got a message",
            "%(n)s customers are known to have got a message",
            n,
        ),
        "Message Deferred": ngettext(
            "For %(n)s customer a message waits for its next allowed moment",
            "For %(n)s customers a message waits for its next allowed moment",
            n,
        ),
        "Message Dropped": ngettext(
            "%(n)s customer was spared a message that must not go out",
            "%(n)s customers were spared a message that must not go out",
            n,
        ),
        "Message Bounced": ngettext(
            "The message to %(n)s customer came back",
            "The messages to %(n)s customers came back",
            n,
        ),
    }


def _change(text: str, n: int, name: str, url: str, *, icon: str, left: int = 0) -> Change:
    said = text.replace("%(", "{").replace(")s", "}")
    return Change(
        format_html(
            said,
            n=format_html("<b>{}</b>", words.figure(n)),
            left=words.figure(left),
            segment=format_html("<em>{}</em>", name[:120]),
        ),
        url,
        icon,
        "experience",
    )


_LOOKS = {
    "Order Completed": Look(icon="shopping-basket", tone="record"),
    "Campaign Delivered": Look(icon="send", tone="engage"),
    "Coupon Redeemed": Look(icon="ticket", tone="engage"),
    "Message Handed": Look(icon="send", tone="engage", state="handed"),
    "Message Confirmed": Look(icon="check", tone="engage", state="confirmed"),
    "Message Deferred": Look(icon="clock", tone="engage", state="deferred"),
    "Message Dropped": Look(icon="shield-off", tone="engage", state="dropped"),
    "Message Bounced": Look(icon="mail-x", tone="danger", state="bounced"),
}
_PLAIN = Look(icon="zap", tone="record")

_SEGMENTS = """
SELECT s.id, s.name, m.n, coalesce(s.filled_at >= %(start)s, false)
FROM segments s CROSS JOIN LATERAL (
  SELECT count(*) AS n FROM segment_members m
  WHERE m.segment_id = s.id AND m.since >= %(start)s
) m
WHERE s.state <> 'draft' ORDER BY m.n DESC, s.name LIMIT 12
"""
