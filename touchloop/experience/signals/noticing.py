"""Signals in what a micro-batch brought."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from touchloop.core import arrays
from touchloop.core.db import Connection
from touchloop.experience.signals.clicks import CLICKED, Click, frustrations
from touchloop.experience.signals.keeping import Noticed, keep
from touchloop.experience.signals.rules import (
    BOUNCED,
    CLICKS,
    COMPLAINT,
    DEAD,
    ERROR,
    MAIL_COMPLAINT,
    RAGE,
    RETURN,
    SLOW,
    UNSUBSCRIBED,
    Rule,
    rules,
)
from touchloop.interactions.api import Happened

# Interactions that are a signal by themselves.
EVENTS: Final[Mapping[str, str]] = {
    "Order Returned": RETURN,
    "Return Started": RETURN,
    "Order Refunded": RETURN,
    "Complaint Received": COMPLAINT,
    "Complaint Filed": COMPLAINT,
    "Message Complained": MAIL_COMPLAINT,
    "Message Bounced": BOUNCED,
    "Unsubscribed": UNSUBSCRIBED,
    "Rage Click": RAGE,
    "Dead Click": DEAD,
    "Slow Click": SLOW,
    "Error Click": ERROR,
}
_NEAR = timedelta(seconds=2)  # the library's own verdict and ours about the same clicks


def concerns(conn: Connection) -> frozenset[str]:
    """The names of the interactions that `on_batch` wants to see."""
    return frozenset((*EVENTS, CLICKED))


def on_batch(conn: Connection, happened: Sequence[Happened], now: datetime) -> None:
    """Keep the signals in a batch, in its transaction. Does nothing when nothing concerns it."""
    telling = [each for each in happened if each.name in EVENTS]
    clicked = [each for each in happened if each.name == CLICKED and each.type == "track"]
    if not telling and not clicked:
        return
    known = rules(conn)
    noticed = [_noticed(each, known) for each in telling if known[EVENTS[each.name]].live]
    if clicked:
        noticed += _from_clicks(conn, clicked, known)
    keep(conn, _once(conn, noticed), known)


def _noticed(each: Happened, known: Mapping[str, Rule]) -> Noticed:
    kind = EVENTS[each.name]
    given = each.properties
    detail = {
        name: given[name]
        for name in ("order_id", "delivery", "selector", "url", "reason")
        if isinstance(given.get(name), str | int)
    }
    cause = f"{kind}:{each.interaction_id}"
    if kind == RETURN and isinstance(given.get("order_id"), str | int):
        cause = f"{kind}:{each.subject_id}:{given['order_id']}"  # started and done are one return
    return Noticed(
        each.subject_id,
        kind,
        known[kind].weight,
        cause,
        each.occurred_at,
        each.channel,
        each.location,
        each.stage,
        detail,
        _said(given),
    )


def _said(given: Mapping[str, Any]) -> str:
    for name in ("message", "text", "description", "reason"):
        if isinstance(given.get(name), str):
            return str(given[name])[:4_000]
    return ""


def _from_clicks(
    conn: Connection, clicked: Sequence[Happened], known: Mapping[str, Rule]
) -> list[Noticed]:
    """Clicks of one burst may come in several batches: those around are read from the log."""
    places = {each.subject_id: each for each in clicked}
    around = timedelta(milliseconds=known[RAGE].limits["ms"]) * 2
    rows = conn.execute(
        _CLICKS,
        {
            "subjects": arrays.numbers(places),
            "since": min(each.occurred_at for each in clicked) - around,
            "until": max(each.occurred_at for each in clicked) + around,
            "name": CLICKED,
        },
    ).fetchall()
    clicks = {row[0]: Click(*(*row[:3], _properties(row[3]))) for row in rows}
    for each in clicked:
        clicks[each.interaction_id] = Click(
            each.interaction_id, each.subject_id, each.occurred_at, each.properties
        )
    new = {each.interaction_id for each in clicked}
    found = []
    for shown in frustrations(clicks.values(), known):
        click = shown.click
        if shown.kind != RAGE and click.id not in new:
            continue  # decided when it came
        place = places[click.subject_id]
        selector = str(click.properties.get("selector") or "")[:200]
        found.append(
            Noticed(
                click.subject_id,
                shown.kind,
                known[shown.kind].weight,
                f"{shown.kind}:{click.id}",
                click.at,
                place.channel,
                place.location,
                place.stage,
                {"clicks": shown.count, "selector": selector},
            )
        )
    return found


def _once(conn: Connection, noticed: Sequence[Noticed]) -> list[Noticed]:
    """Of clicks that were noticed a moment before or after already, or twice here, the first."""
    clicks = sorted((each for each in noticed if each.kind in CLICKS), key=lambda each: each.at)
    others = [each for each in noticed if each.kind not in CLICKS]
    if not clicks:
        return others
    near = _kept_near(conn, clicks)
    kept: list[Noticed] = []
    for each in clicks:
        seen = near.setdefault(_what(each.subject_id, each.kind, each.detail.get("selector")), [])
        if all(abs(each.at - at) > _NEAR for at in seen):
            kept.append(each)
            seen.append(each.at)
    return others + kept


def _kept_near(
    conn: Connection, clicks: Iterable[Noticed]
) -> dict[tuple[int, str, str], list[datetime]]:
    moments = [each.at for each in clicks]
    near: dict[tuple[int, str, str], list[datetime]] = {}
    for subject, kind, selector, at in conn.execute(
        _NEARBY,
        {
            "subjects": arrays.numbers({each.subject_id for each in clicks}),
            "kinds": list(CLICKS),
            "since": min(moments) - _NEAR,
            "until": max(moments) + _NEAR,
        },
    ).fetchall():
        near.setdefault(_what(subject, kind, selector), []).append(at)
    return near


def _what(subject_id: int, kind: str, selector: object) -> tuple[int, str, str]:
    """Rage is about a place on the screen; the others are about a thing."""
    return subject_id, kind, "" if kind == RAGE else str(selector or "")


def _properties(body: str) -> Mapping[str, Any]:
    try:
        found = msgspec.json.decode(body).get("properties")
    except (msgspec.DecodeError, AttributeError):
        return {}
    return found if isinstance(found, dict) else {}


_CLICKS = """
SELECT x.id, x.subject_id, x.occurred_at, x.body FROM interactions x
WHERE x.subject_id = ANY(%(subjects)s::bigint[])
  AND x.occurred_at BETWEEN %(since)s AND %(until)s
  AND x.kind_id IN (SELECT id FROM kinds WHERE type = 'track' AND name = %(name)s)
"""
_NEARBY = """
SELECT subject_id, kind, detail->>'selector', at FROM signals
WHERE subject_id = ANY(%(subjects)s::bigint[]) AND kind = ANY(%(kinds)s::text[])
  AND at BETWEEN %(since)s AND %(until)s
"""
