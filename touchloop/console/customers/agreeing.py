"""What a customer said to staff about consent: kept in the ledger with its evidence, undoable.

The ledger is append-only: taking something back is another row, which says what held before. Where
nothing had been said before, the row says that nothing is confirmed, which decides like silence.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from touchloop.channels import api as channels
from touchloop.consent import api as consent
from touchloop.consent.api import ContactGrant, UseGrant
from touchloop.console import database
from touchloop.console.customers import acts, permissions, person, sight
from touchloop.console.pages import Request, page, say
from touchloop.core import audit, clock
from touchloop.core.access import Permission
from touchloop.core.db import Connection
from touchloop.interactions import api as interactions

WAYS = {
    "in_person": gettext_lazy("In person"),
    "phone": gettext_lazy("On the phone"),
    "writing": gettext_lazy("In writing"),
    "chat": gettext_lazy("In a chat"),
}
STATES = {"yes": "granted", "no": "denied"}
BEFORE = ("granted", "denied", "objected", "pending")  # what an undo may say again
LONGEST = 500


@dataclass(frozen=True, slots=True)
class About:
    """What was spoken of: a purpose, or a channel with a topic ("" for all of them)."""

    purpose: str = ""
    channel: str = ""
    topic: str = ""


@page(Permission.CONSENT_RECORD, methods=("POST",))
def keep(request: Request, id: int) -> HttpResponse:
    """Keep what the customer said: yes or no, how it was said, and what proves it."""
    conn = database.here()
    customer = person.within_sight(conn, id, sight.of(request.actor))
    about = _about(request)
    state = STATES.get(request.POST.get("said", ""))
    way = request.POST.get("way", "")
    note = request.POST.get("note", "").replace("\0", "").strip()
    if state is None or way not in WAYS:
        say(request, _("Say what the customer said, and how."), error=True)
        return redirect("customer", customer.id)
    if len(note) > LONGEST:
        say(request, _("A note has at most %d characters.") % LONGEST, error=True)
        return redirect("customer", customer.id)
    before = _before(conn, customer.id, about)
    if before == state:
        say(request, _("That is what held already; nothing changed."))
        return redirect("customer", customer.id)
    _write(request, conn, customer.id, about, state, {"way": way, "note": note})
    undo = f"{reverse('customer_consent_undo', args=[customer.id])}?" + urlencode(
        {**_plain(about), "state": before or "pending", "kept": state}
    )
    say(request, _said(about, state), undo=undo)
    return redirect("customer", customer.id)


@page(Permission.CONSENT_RECORD, methods=("POST",))
def undo(request: Request, id: int) -> HttpResponse:
    """Say again what held before, unless something else was said meanwhile."""
    conn = database.here()
    customer = person.within_sight(conn, id, sight.of(request.actor))
    about, state = _about(request), request.GET.get("state", "")
    if state not in BEFORE:
        raise Http404(_("There is nothing to take back."))
    if _before(conn, customer.id, about) != request.GET.get("kept", ""):
        say(request, _("Something else was said meanwhile; that holds."), error=True)
        return redirect("customer", customer.id)
    _write(request, conn, customer.id, about, state, {"way": "undo", "note": ""})
    say(request, _("Taken back: what held before holds again."))
    return redirect("customer", customer.id)


def _about(request: Request) -> About:
    """Raises Http404 for what nobody can speak of."""
    given = request.POST if "purpose" in request.POST or "channel" in request.POST else request.GET
    purpose, channel = given.get("purpose", ""), given.get("channel", "")
    topic = given.get("topic", "").replace("\0", "")[:100]
    known = channel in channels.channels() or channel in permissions.CHANNELS
    if (purpose in consent.PURPOSES) == known:
        raise Http404(_("Nobody can be asked about that."))
    return About(purpose) if purpose else About(channel=channel, topic=topic)


def _before(conn: Connection, customer_id: int, about: About) -> str:
    """The customer's last word about it; "" when there is none."""
    said = consent.read(conn, [customer_id]).get(customer_id, consent.NOBODY_SAID_ANYTHING)
    choice = (
        said.use.get((about.purpose, ""))
        if about.purpose
        else said.contact.get((about.channel, about.topic))
    )
    return choice.state if choice else ""


def _write(
    request: Request,
    conn: Connection,
    customer_id: int,
    about: About,
    state: str,
    evidence: dict[str, str],
) -> None:
    """The ledger, the timeline and the audit trail, in one transaction."""
    now, source = clock.now(), interactions.own_id(conn)
    proof = {"by": "staff", "staff_id": request.actor.id, **evidence}
    with transaction.atomic():
        if about.purpose:
            grant = UseGrant(
                customer_id, about.purpose, state, source, now, basis="consent", evidence=proof
            )
            consent.record_use(conn, [grant])
        else:
            contact = ContactGrant(
                customer_id, about.channel, about.topic, state, source, now, proof
            )
            consent.record_contact(conn, [contact])
        told = {**_plain(about), "state": state, "way": evidence["way"]}
        acts.tell(conn, customer_id, "Choice Noted", {**told, **acts.author(request)})
        acts.refresh(conn, customer_id)
        audit.record(
            "customer.consent", by=request.actor, kind="customer", id=customer_id, after=told
        )


def _plain(about: About) -> dict[str, str]:
    if about.purpose:
        return {"purpose": about.purpose}
    return {"channel": about.channel, "topic": about.topic}


def _said(about: About, state: str) -> str:
    what = permissions.called(about.purpose, about.channel, about.topic)
    if state == "granted":
        return _("Kept: the customer says yes to “%s”. It holds from now on.") % what
    return _("Kept: the customer says no to “%s”. It holds from now on.") % what
