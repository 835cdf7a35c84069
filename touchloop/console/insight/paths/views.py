"""The page of the paths, and who is behind a step of them."""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from touchloop.consent import api as consent
from touchloop.console import database
from touchloop.console.insight.paths import drawing
from touchloop.console.insight.tabs import tabs
from touchloop.console.pages import Request, page, say
from touchloop.console.segments import heading
from touchloop.console.ui import charts
from touchloop.console.ui.tables import respond
from touchloop.core import clock, proportions
from touchloop.core.access import Permission
from touchloop.insight.models import api as models
from touchloop.insight.paths import api as paths

WAYS = 20


@page(Permission.INSIGHT_VIEW)
def show(request: Request) -> HttpResponse:
    """What was counted last, for one goal."""
    conn = database.here()
    version = models.current(conn, paths.NAME)
    every = version.curves["goals"] if version else {}
    goal = request.GET.get("goal", "")
    goal = goal if goal in every else next(iter(every), "")
    told = every.get(goal)
    context: dict[str, Any] = {
        "tabs": tabs("paths"),
        "version": version,
        "run": models.open_run_of(conn, paths.NAME),
        "goals": list(every),
        "goal": goal,
        "told": told,
        "silence": paths.SILENCE.days,
    }
    if told is None:
        return charts.drawn(request, "insight/paths/paths.html", context)
    part = proportions.share(told["reached"], told["paths"])
    context |= {
        "part": part,
        "ways": [
            {
                **way,
                "part": proportions.share(way["reached"], way["reached"] + way["given_up"]),
                "taken": way["reached"] + way["given_up"],
                "time": drawing.duration(way["seconds"]),
                "url": drawing.url(goal, first=way["steps"][0], then=_next(way["steps"])),
            }
            for way in told["ways"][:WAYS]
        ],
        "right": told["shares"].get(str(told["order"])),
    }
    return charts.drawn(
        request, "insight/paths/paths.html", context, drawing.graph(goal, told),
        drawing.credit(goal, told),
    )  # fmt: skip


@page(Permission.INSIGHT_EDIT, methods=("POST",))
def learn(request: Request) -> HttpResponse:
    """Have the paths counted anew."""
    models.ask(database.here(), paths.NAME, by=request.actor.id)
    say(request, _("The paths are counted anew."))
    return redirect("insight_paths")


@page(Permission.INSIGHT_VIEW)
def customers(request: Request) -> HttpResponse:
    """Who took a step, or one step after another, in the time that was counted."""
    conn = database.here()
    goal, first, then = (request.GET.get(key, "")[:200] for key in ("goal", "first", "then"))
    if "\0" in goal + first + then:
        return redirect("insight_paths")
    version = models.current(conn, paths.NAME)
    since = version.since if version and version.since else clock.now()
    one, other = _event(first, goal), _event(then, goal)
    if first == "start":
        one, other = other, None
    rows = []
    if one is not None:
        given = {
            "first": one[0], "by": one[1], "then": other[0] if other else None,
            "then_by": other[1] if other else None, "lost": then == "given up", "goal": goal,
            "since": since, "silence": paths.SILENCE, "profile": consent.BIT["profile"],
            "after": heading.after(request), "limit": heading.ROWS + 1,
        }  # fmt: skip
        rows = conn.execute(_WALKED, given).fetchall()
    table = heading.customers_table(
        request,
        conn,
        [row[0] for row in rows],
        label=_("Customers"),
        empty=_("Nobody who may be profiled went this way."),
    )
    context = {
        "table": table,
        "title": _("Who went this way"),
        "lead": " → ".join(drawing.called(name, goal) for name in (first, then) if name),
        "crumbs": [(_("Paths"), reverse("insight_paths")), (_("Customers"), "")],
    }
    return respond(request, "segments/customers.html", context)


def _next(steps: list[str]) -> str:
    return steps[1] if len(steps) > 1 else "goal"


def _event(step: str, goal: str) -> tuple[str, str | None] | None:
    """The event behind a step, and its channel when the step names one."""
    if step in ("", "start", "given up"):
        return None
    if step == "goal":
        return goal, None
    named = _CHANNEL.fullmatch(step)
    return (named[1], named[2]) if named else (step, None)


_CHANNEL = re.compile(r"(.+) \(([^()]+)\)")
_WALKED = """
WITH walked AS (
  SELECT i.customer_id, x.occurred_at, k.name, p.channel
  FROM kinds k JOIN interactions x ON x.kind_id = k.id AND x.occurred_at > %(since)s
  JOIN identifiers i ON i.id = x.subject_id
  LEFT JOIN touchpoints p ON p.id = x.touchpoint_id
  WHERE k.name = ANY(ARRAY[%(first)s, %(then)s, %(goal)s]::text[])
)
SELECT DISTINCT w.customer_id FROM walked w JOIN customers c ON c.id = w.customer_id
WHERE w.customer_id > %(after)s AND c.allowed & %(profile)s <> 0
  AND w.name = %(first)s AND (%(by)s::text IS NULL OR w.channel = %(by)s)
  AND (%(then)s::text IS NULL OR EXISTS (
    SELECT FROM walked n WHERE n.customer_id = w.customer_id AND n.name = %(then)s
      AND (%(then_by)s::text IS NULL OR n.channel = %(then_by)s)
      AND n.occurred_at >= w.occurred_at AND n.occurred_at <= w.occurred_at + %(silence)s))
  AND (NOT %(lost)s OR NOT EXISTS (
    SELECT FROM walked n WHERE n.customer_id = w.customer_id AND n.name = %(goal)s
      AND n.occurred_at >= w.occurred_at AND n.occurred_at <= w.occurred_at + %(silence)s))
ORDER BY w.customer_id LIMIT %(limit)s
"""
