"""One customer followed round the loop: what each station knows of it."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import Http404
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from touchloop.console.customers import events, listing, person, wording
from touchloop.console.customers.sight import Sight
from touchloop.console.loop.way import Step, way
from touchloop.console.ui import words
from touchloop.core.access import Actor
from touchloop.core.db import Connection
from touchloop.profiles import api as profiles


@dataclass(frozen=True, slots=True)
class Followed:
    """A customer, and a line for each station."""

    id: int
    name: str
    lines: dict[str, str]
    steps: list[Step]


def follow(conn: Connection, id: int, sees: Sight, actor: Actor) -> Followed | None:
    """None when there is no such customer within sight."""
    try:
        customer = person.within_sight(conn, id, sees)
    except Http404:
        return None
    subjects = person.subjects(conn, customer.id)
    newest = profiles.timeline(conn, subjects, limit=1).items
    segments = [
        row[0]
        for row in conn.execute(
            "SELECT s.name FROM segment_members m JOIN segments s ON s.id = m.segment_id"
            " WHERE m.customer_id = %s ORDER BY m.since DESC LIMIT 20",
            (customer.id,),
        ).fetchall()
    ]
    lines = {
        "know": ngettext(
            "%(n)d identifier, %(facts)s facts, %(stage)s",
            "%(n)d identifiers, %(facts)s facts, %(stage)s",
            len(subjects),
        )
        % {
            "n": len(subjects),
            "facts": len(customer.facts),
            "stage": wording.stage(customer.stage).lower(),
        },
        "understand": _segments(segments),
        "capture": _("Nothing yet"),
    }
    if newest:
        told = events.entry(newest[0], sees).told
        lines["capture"] = f"{told.title}, {words.ago(newest[0].occurred_at)}"
    name = listing.called(customer.display_name, customer.leader, customer.id, sees)
    steps = way(conn, customer, subjects, sees=sees, actor=actor)
    return Followed(customer.id, name, lines | _back(steps), steps)


def _back(steps: list[Step]) -> dict[str, str]:
    """The stations of the way back, in the words of their steps."""
    said = {step.icon: step.text for step in steps}
    return {
        "engage": said.get("send", _("No message yet")),
        "measure": said.get("gauge", _("No answer yet")),
        "act": said.get("life-buoy", _("No case")),
    }


def _segments(names: list[str]) -> str:
    if not names:
        return _("In no segment")
    shown = ", ".join(name[:60] for name in names[:2])
    more = len(names) - 2
    return _("In %s") % shown + (_(" and %d more") % more if more > 0 else "")
