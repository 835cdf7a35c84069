"""The way back to the customer in the demo: offers and triggers, surveys, and answers to them.

The retailer's files hold no answers. Those of the demo are simulated from what each household
really did, and every screen that shows them says so.
"""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext as _

from touchloop.channels.api import email
from touchloop.core import clock, db
from touchloop.core.db import Connection
from touchloop.engage.triggers import api as triggers
from touchloop.experience.surveys import api as surveys

YEAR = timedelta(days=365)
ASKING = ("visit", "recovery")  # the surveys that ask while the demo runs


def install() -> int:
    """Make what is not there yet; gives how many triggers are new."""
    with db.connect(application="touchloop demo") as conn:
        started = triggers.install_examples(conn, now=clock.now())
        for trigger in started:
            if any("entered" in occasion for occasion in trigger.definition["when"]):
                triggers.enrol(conn, trigger.id, clock.now())
        if started:
            _name_topics(conn)
            _ask(conn)
        conn.commit()
    return len(started)


def _name_topics(conn: Connection) -> None:
    offers, asked = _("Something for you at our stores."), _("How was your visit?")
    email.save_topic(conn, slug="offers", name=_("Offers"), sentence=offers, place=1)
    email.save_topic(conn, slug="surveys", name=_("Questions"), sentence=asked, place=2)


def _ask(conn: Connection) -> None:
    now = clock.now()
    surveys.ensure_letter(conn)
    made = surveys.ensure_starting_surveys(conn, now=now)
    surveys.simulate(conn, made["visit"], now=now, since=now - YEAR)
    for name in ASKING:
        surveys.change(conn, made[name].id, by=None, now=now, live=True)
