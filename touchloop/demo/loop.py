"""The way back to the customer in the demo: offers and triggers, surveys, and answers to them.

The retailer's files hold no answers and no regions. Those of the demo are simulated: answers from
what each household really did, regions from the numbers of the stores, and every screen that shows
them says so.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final, LiteralString

from django.utils.translation import gettext as _

from touchloop.channels.api import email
from touchloop.core import clock, db
from touchloop.core.db import Connection
from touchloop.engage.decisions import api as decisions
from touchloop.engage.triggers import api as triggers
from touchloop.experience.surveys import api as surveys
from touchloop.interactions import api as interactions
from touchloop.records.cases import api as cases

YEAR = timedelta(days=365)
ASKING = ("visit", "recovery")  # the surveys that ask while the demo runs
# Triggers wait an hour before they act: who is inside a segment already has waited.
WAITED = timedelta(hours=2)
CASE_DAYS = 7.0  # a poor answer of the last week is still being looked into


def install() -> int:
    """Make what is not there yet; gives how many triggers are new."""
    with db.connect(application="touchloop demo") as conn:
        _give_regions(conn)
        started = triggers.install_examples(conn, now=clock.now())
        if started:
            _name_topics(conn)
            _ask(conn)
        for trigger in started:
            if any("entered" in occasion for occasion in trigger.definition["when"]):
                now = clock.now()
                triggers.enrol(conn, trigger.id, now, entered_at=now - WAITED)
        if started:
            _close_one_circle(conn)
        conn.commit()
    return len(started)


def went_round() -> str:
    """The user id of a household whose way leads through every station; "" when there is none."""
    with db.connect(application="touchloop demo") as conn:
        row = conn.execute(_WENT_ROUND).fetchone()
    return str(row[0]) if row else ""


def _name_topics(conn: Connection) -> None:
    offers, asked = _("Something for you at our stores."), _("How was your visit?")
    email.save_topic(conn, slug="offers", name=_("Offers"), sentence=offers, place=1)
    email.save_topic(conn, slug="surveys", name=_("Questions"), sentence=asked, place=2)


def _ask(conn: Connection) -> None:
    now = clock.now()
    surveys.ensure_letter(conn)
    made = surveys.ensure_starting_surveys(conn, now=now)
    surveys.simulate(conn, made["visit"], now=now, since=now - YEAR, case_days=CASE_DAYS)
    for name in ASKING:
        surveys.change(conn, made[name].id, by=None, now=now, live=True)


def _give_regions(conn: Connection) -> None:
    """Four regions by the numbers of the stores; their name says that they are made up."""
    names = [_("North"), _("East"), _("South"), _("West")]
    stores = interactions.places_without_region(conn, "store")
    interactions.set_regions(
        conn, {store: _("%s (made up)") % names[sum(store.encode()) % 4] for store in stores}
    )


def _close_one_circle(conn: Connection) -> None:
    """Lead one household that answered poorly, and is due an invitation, all the way round.

    Its answer opens a case; the till asks while that is open, the case is closed, the till asks
    again: by the same doors as in a shop. Its invitation then goes out with the others.
    """
    row = conn.execute(_UNHAPPY).fetchone()
    if row is None:
        return
    answer, subject, customer, channel, location, stage, score, words = row
    case = cases.open_case(
        conn,
        subject_id=subject,
        kind=cases.DETRACTOR,
        title=_("After a visit: %d of 10 (simulated)") % score,
        cause=f"answer:{answer}",
        at=clock.now(),
        touchpoint=(channel, location),
        stage=stage,
        story=words,
    )
    _till_asks(conn, customer, location)
    if case is not None:
        said = _("Simulated for the demo: called, apologised, and put it right.")
        cases.close_case(conn, case, by=None, resolution=said, at=clock.now())
    _till_asks(conn, customer, location)


def _till_asks(conn: Connection, customer: int, location: str) -> None:
    request = decisions.Request(
        channel="store", now=clock.now(), customer_id=customer, location=location
    )
    decisions.decide(conn, request)


# The last poor answer of a household that is on the way through a trigger and has agreed to mail,
# and was awake when the year was loaded.
_UNHAPPY: Final[LiteralString] = """
SELECT a.id, v.subject_id, i.customer_id, v.channel, v.location, v.stage, a.score, a.text
  FROM answers a
  JOIN invitations v ON v.id = a.invitation_id AND v.state = 'answered'
  JOIN identifiers i ON i.id = v.subject_id
  JOIN customers p ON p.id = i.customer_id
 WHERE a.kind = 'nps' AND a.score <= 6 AND a.source = 'simulation'
   AND NOT EXISTS (SELECT 1 FROM cases c WHERE c.cause = 'answer:' || a.id)
   AND EXISTS (SELECT 1 FROM trigger_runs r JOIN identifiers x ON x.id = r.subject_id
                WHERE x.customer_id = i.customer_id AND r.state = 'waiting' AND NOT r.held_out)
   AND EXISTS (SELECT 1 FROM contact_grants g JOIN identifiers x ON x.id = g.subject_id
                WHERE x.customer_id = i.customer_id AND g.channel = 'email'
                  AND g.state = 'granted')
 ORDER BY p.traits #>> '{timezone,v}' LIKE 'Etc/%' DESC NULLS LAST, a.answered_at DESC, a.id
 LIMIT 1
"""
_WENT_ROUND: Final[LiteralString] = """
SELECT u.value
  FROM cases c
  JOIN identifiers i ON i.id = c.subject_id
  JOIN identifiers u ON u.customer_id = i.customer_id AND u.namespace = 'user_id'
  JOIN identifiers x ON x.customer_id = i.customer_id
  JOIN decisions d ON d.subject_id = x.id
 WHERE c.state = 'closed' AND d.channel = 'store'
 GROUP BY c.id, u.value HAVING count(*) > 1
 ORDER BY c.id LIMIT 1
"""
