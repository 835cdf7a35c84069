"""The stations of the loop: a figure, its health, and the one thing that needs a person."""

from __future__ import annotations

from datetime import timedelta

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from touchloop.console import needs
from touchloop.console.loop import way_back
from touchloop.console.loop.figures import Figures
from touchloop.console.loop.station import Also, Need, Station, usual
from touchloop.console.ui import words
from touchloop.core import access, clock
from touchloop.core.access import Actor, Permission
from touchloop.core.db import Connection
from touchloop.flow import api as flow
from touchloop.insight.motion import api as motion
from touchloop.interactions import api as interactions

BEHIND = timedelta(seconds=30)  # the oldest message may wait this long before it is said


def stations(conn: Connection, figures: Figures, actor: Actor) -> list[Station]:
    """In the order of the loop."""
    return [
        _capture(conn, figures, actor),
        _know(figures, actor),
        _understand(conn, figures, actor),
        *way_back.stations(conn, figures, actor),
    ]


def _capture(conn: Connection, figures: Figures, actor: Actor) -> Station:
    waiting, oldest = interactions.depth(conn)
    workers = flow.living_workers(conn, now=clock.now())
    if not workers:
        healthy, health = False, _("No worker is running: messages wait")
    elif oldest > BEHIND.total_seconds():
        healthy, health = False, _("%s messages wait") % words.short(waiting)
    else:
        healthy = True
        health = ngettext(
            "%(n)d worker, nothing waits", "%(n)d workers, nothing waits", len(workers)
        )
        health %= {"n": len(workers)}
    need = None
    held = needs.held() if access.allows(actor, Permission.HELD_VIEW) else 0
    if held:
        said = ngettext("%(n)s message is set aside", "%(n)s messages are set aside", held)
        need = Need(said % {"n": words.figure(held)}, reverse("held"))
    return Station(
        "capture",
        _("Capture"),
        _("Every touchpoint sends what happens."),
        icon="radio",
        tone="record",
        figure=figures.interactions.today,
        unit=_("interactions today"),
        usual=usual(figures.interactions),
        trend=figures.interactions.days,
        url=reverse("live") if access.allows(actor, Permission.LIVE_VIEW) else "",
        healthy=healthy,
        health=health,
        need=need,
        also=_in_motion(conn, actor),
    )


def _in_motion(conn: Connection, actor: Actor) -> tuple[Also, ...]:
    """How much of what is captured is used for anything."""
    day = motion.latest(conn) if access.allows(actor, Permission.INSIGHT_VIEW) else None
    if day is None or day.share is None:
        return ()
    said = _("%s of what is captured is in use") % words.percent(day.share)
    return (Also(said, reverse("insight_motion")),)


def _know(figures: Figures, actor: Actor) -> Station:
    need = None
    if access.allows(actor, Permission.SUGGESTIONS_VIEW):
        waiting = needs.suggestions()
        if waiting:
            said = ngettext("%(n)s merge to decide", "%(n)s merges to decide", waiting)
            need = Need(said % {"n": words.figure(waiting)}, reverse("suggestions"))
    day = figures.start.date().isoformat()
    return Station(
        "know",
        _("Know"),
        _("Identifiers become one customer, facts become a profile."),
        icon="users",
        tone="record",
        figure=figures.customers.today,
        unit=_("customers seen today"),
        usual=usual(figures.customers),
        trend=figures.customers.days,
        url=f"{reverse('customers')}?seen_from={day}",
        health=_("Nobody waits for a decision") if need is None else _("Some could be one person"),
        need=need,
    )


def _understand(conn: Connection, figures: Figures, actor: Actor) -> Station:
    row = conn.execute(
        "SELECT count(*) FILTER (WHERE state = 'live'), count(*) FILTER (WHERE state = 'paused'),"
        " count(*) FILTER (WHERE state = 'draft') FROM segments"
    ).fetchone()
    live, paused, drafts = row or (0, 0, 0)
    health = ngettext("%(n)d segment lives", "%(n)d segments live", live) % {"n": live}
    need = None
    if not live and access.allows(actor, Permission.SEGMENTS_EDIT):
        need = Need(_("Build the first segment"), reverse("segment_new"))
    elif paused or drafts:
        said = ngettext("%(n)d segment is not live", "%(n)d segments are not live", paused + drafts)
        need = Need(said % {"n": paused + drafts}, reverse("segments"))
    return Station(
        "understand",
        _("Understand"),
        _("Segments are asked as interactions arrive."),
        icon="chart-pie",
        tone="record",
        figure=figures.moves.today,
        unit=_("moves in segments today"),
        usual=usual(figures.moves),
        trend=figures.moves.days,
        url=reverse("segments"),
        healthy=live > 0,
        health=health,
        need=need,
    )
