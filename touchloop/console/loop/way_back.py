"""The stations of the way back: engage, measure, act."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from touchloop.console import nav
from touchloop.console.customers import sight
from touchloop.console.loop.figures import Figures
from touchloop.console.loop.station import Also, Need, Station, usual
from touchloop.console.ui import words
from touchloop.core import clock
from touchloop.core.access import Actor
from touchloop.core.db import Connection
from touchloop.records.cases import api as cases


def stations(conn: Connection, figures: Figures, actor: Actor) -> list[Station]:
    """In the order of the loop; each leads where this person may go."""
    rooms = {link.route: link.url for link in nav.links(actor)}
    return [
        _engage(figures, rooms),
        _measure(figures, rooms),
        _act(conn, figures, actor, rooms),
    ]


def _engage(figures: Figures, rooms: dict[str, str]) -> Station:
    out = figures.outward
    may_look = "messages" in rooms
    healthy, health = True, _("What was due has gone out")
    if out.overdue_deliveries:
        said = ngettext(
            "%(n)s message is due and waits", "%(n)s messages are due and wait",
            out.overdue_deliveries,
        )  # fmt: skip
        healthy, health = False, said % {"n": words.figure(out.overdue_deliveries)}
    need = None
    if out.stopped_campaigns and may_look:
        said = ngettext(
            "%(n)s campaign stopped at a fault", "%(n)s campaigns stopped at a fault",
            out.stopped_campaigns,
        )  # fmt: skip
        need = Need(
            said % {"n": words.figure(out.stopped_campaigns)}, reverse("messages") + "?state=paused"
        )
    decided = ngettext("%(n)s decision today", "%(n)s decisions today", out.decisions.today)
    return Station(
        "engage",
        _("Engage"),
        _("Offers and messages, as the customer allows."),
        icon="send",
        tone="engage",
        figure=out.deliveries.today,
        unit=_("messages brought today"),
        usual=usual(out.deliveries),
        trend=out.deliveries.days,
        url=reverse("outbox") if may_look else "",
        healthy=healthy,
        health=health,
        need=need,
        also=(
            Also(decided % {"n": words.figure(out.decisions.today)}, rooms.get("decisions", "")),
        ),
    )


def _measure(figures: Figures, rooms: dict[str, str]) -> Station:
    out = figures.outward
    if out.nps is None:
        score = Also(_("NPS: too few answers in four weeks"), rooms.get("scorecards", ""))
    else:
        said = _("NPS %(value)s ± %(margin)s, n = %(n)s in four weeks") % {
            "value": f"{out.nps.value:+.0f}".replace("-", "−"),
            "margin": f"{out.nps.margin:.0f}",
            "n": words.figure(out.nps.n),
        }
        simulated = _("some simulated") if out.simulated else ""
        score = Also(said, rooms.get("scorecards", ""), simulated)
    return Station(
        "measure",
        _("Measure"),
        _("What the customer felt, asked and inferred."),
        icon="gauge",
        tone="experience",
        figure=out.answers.today,
        unit=_("answers today"),
        usual=usual(out.answers),
        trend=out.answers.days,
        url=rooms.get("surveys", rooms.get("scorecards", "")),
        health=_("Each answer stands at its touchpoint"),
        also=(score,),
    )


def _act(conn: Connection, figures: Figures, actor: Actor, rooms: dict[str, str]) -> Station:
    now = clock.now()
    scope = sight.of(actor).locations
    found = cases.figures(
        conn,
        since=figures.start,
        until=now,
        now=now,
        locations=None if scope is None else frozenset(scope),
    )
    url = rooms.get("cases", "")
    healthy, health = True, _("No clock has run out")
    if found.overdue:
        said = ngettext("%(n)s case is overdue", "%(n)s cases are overdue", found.overdue)
        healthy, health = False, said % {"n": words.figure(found.overdue)}
    need = None
    if found.unowned and url:
        said = ngettext("%(n)s case has no owner", "%(n)s cases have no owner", found.unowned)
        need = Need(said % {"n": words.figure(found.unowned)}, url)
    moved = _("%(opened)s opened and %(closed)s closed today") % {
        "opened": words.figure(found.opened),
        "closed": words.figure(found.closed),
    }
    return Station(
        "act",
        _("Act"),
        _("A bad experience opens a case, and selling stops."),
        icon="life-buoy",
        tone="experience",
        figure=found.open + found.waiting,
        unit=_("open cases"),
        usual=moved,
        trend=figures.outward.cases.days if scope is None else (),
        url=url,
        healthy=healthy,
        health=health,
        need=need,
    )
