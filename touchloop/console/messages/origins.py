"""Where a delivery came from and what speaks for or against it: for people who ask why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from touchloop.channels import api as channels
from touchloop.channels.api import ContactVerdict, Shown, Which
from touchloop.console import nav
from touchloop.console.messages import words
from touchloop.core import clock
from touchloop.core.access import Actor
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid

LEDGER = timedelta(days=7)
LEDGER_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Origin:
    """One thing that wanted the delivery."""

    label: str
    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Step:
    """A moment in the life of a delivery."""

    text: str
    at: datetime


def of(conn: Connection, one: Shown, actor: Actor) -> list[Origin]:
    """The campaign, trigger, decision, offer and template behind it."""
    found = []
    if one.campaign_id is not None:
        name = _name(conn, "SELECT name FROM campaigns WHERE id = %s", one.campaign_id)
        found.append(Origin(_("Campaign"), name, reverse("campaign", args=[one.campaign_id])))
    if one.trigger_id is not None:
        name = _name(conn, "SELECT name FROM triggers WHERE id = %s", one.trigger_id)
        found.append(Origin(_("Trigger"), name, reverse("trigger", args=[one.trigger_id])))
    if one.decision_id is not None:
        found.append(Origin(_("Decision"), str(one.decision_id), decision(one.decision_id, actor)))
    if one.offer:
        found.append(Origin(_("Offer"), one.offer, ""))
    if one.template:
        version = _("version %d") % one.template_version if one.template_version else ""
        found.append(Origin(_("Template"), f"{one.template} {version}".strip(), _template(one)))
    return found


def decision(id: object, actor: Actor) -> str:
    """Where a decision can be looked at by this person, if anywhere."""
    if "decisions" not in {link.route for link in nav.links(actor)}:
        return ""
    try:
        return reverse("decision", args=[id])
    except NoReverseMatch:
        return ""


def verdict(conn: Connection, one: Shown) -> ContactVerdict | None:
    """What consent, suppression and the contact policy say of it at this moment."""
    try:
        found = channels.decide_contact(
            conn,
            [one.customer_id],
            kind=one.kind,
            topic=one.topic,
            channels=[one.channel],
            now=clock.now(),
        )
    except Invalid:
        return None
    return next(iter(found.get(one.customer_id, ())), None)


def pressed(conn: Connection, one: Shown) -> list[tuple[str, str, datetime]]:
    """The contacts of the last week that count: kind, channel, moment."""
    found = channels.pressed(conn, [one.customer_id], since=clock.now() - LEDGER)
    return [
        (str(words.KINDS.get(each.kind, each.kind)), words.channel(each.channel), each.at)
        for each in found.get(one.customer_id, ())
    ][:LEDGER_SHOWN]


def steps(one: Shown) -> list[Step]:
    """Its life so far."""
    found = [Step(_("Decided and put into the outbox"), one.created_at)]
    if one.state in ("queued", "deferred"):
        found.append(Step(_("May go out"), one.not_before))
        if one.expires_at:
            found.append(Step(_("Is dropped when it still waits"), one.expires_at))
    if one.handed_at:
        found.append(Step(_("Handed over, attempt %d") % one.attempts, one.handed_at))
    if one.outcome_at and one.outcome_at != one.handed_at:
        word = words.OUTCOMES.get(one.state, one.state)
        found.append(Step(_("Outcome: %s") % word, one.outcome_at))
    return found


def about(conn: Connection, which: Which) -> list[tuple[str, str]]:
    """The filters of an address that name one thing: in words, and the key that takes it away."""
    found = []
    if which.campaign_id is not None:
        name = _name(conn, "SELECT name FROM campaigns WHERE id = %s", which.campaign_id)
        found.append((_("Campaign: %s") % name, "campaign"))
    if which.trigger_id is not None:
        name = _name(conn, "SELECT name FROM triggers WHERE id = %s", which.trigger_id)
        found.append((_("Trigger: %s") % name, "trigger"))
    if which.customer_id is not None:
        found.append((_("Customer %d") % which.customer_id, "customer"))
    if which.template:
        found.append((_("Template: %s") % which.template, "template"))
    return found


def _name(conn: Connection, query: str, id: int) -> str:
    row: tuple[Any, ...] | None = conn.execute(query.encode(), (id,)).fetchone()
    return str(row[0])[:120] if row else _("gone")


def _template(one: Shown) -> str:
    if one.channel != "email" or not one.template_version:
        return ""
    return f"{reverse('template', args=[one.template])}?version={one.template_version}"
