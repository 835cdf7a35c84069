"""Lookalikes of a segment: learned on request, chosen by size, kept as a segment of their own."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from touchloop.console import database
from touchloop.console.pages import Request, page, say
from touchloop.console.segments import heading
from touchloop.console.segments.heading import one
from touchloop.console.ui import cells, charts, words
from touchloop.console.ui.charts import Chart
from touchloop.console.ui.tables import Column
from touchloop.core import audit, clock
from touchloop.core.access import Permission
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid
from touchloop.flow import api as flow
from touchloop.insight.likeness import api as likeness
from touchloop.insight.likeness.api import Reach
from touchloop.insight.models import api as models
from touchloop.insight.models.api import VersionInfo
from touchloop.insight.segments import api as segments
from touchloop.insight.segments.api import Segment

SHOWN = 12

COLUMNS = (
    heading.NAME,
    Column(
        "score",
        gettext_lazy("Resemblance"),
        end=True,
        cell=lambda row: cells.text(words.percent(row["score"])),
    ),
    Column("reasons", gettext_lazy("Because"), wrap=True, cell=lambda row: _reasons(row)),
)


@page(Permission.SEGMENTS_VIEW, methods=("GET",))
def alike(request: Request, id: int) -> HttpResponse:
    """What was learned, how well, whom it reaches at a size; or how far it is."""
    conn, found = database.here(), one(database.here(), id)
    kind = f"{likeness.PREFIX}{id}"
    waiting = models.open_run_of(conn, kind)
    if request.headers.get("HX-Request"):
        return _progress(request, found, waiting)
    version = models.current(conn, kind)
    newest = next(iter(models.runs(conn, kind, limit=1)), None)
    context: dict[str, Any] = {
        **heading.head(conn, found, "segment_alike"),
        "run": waiting,
        "failed": newest if newest and newest.outcome == "failed" else None,
        "version": version,
        "kept_back": _kept_back(conn, kind) if version is None else "",
    }
    if version is None:
        return charts.drawn(request, "segments/alike.html", context)
    steps = likeness.reach(conn, id)
    chosen = _chosen(request, conn, id, steps)
    context |= {
        "metric": version.key,
        "steps": steps,
        "everybody": steps[-1].size if steps else 0,
        "chosen": chosen,
        "table": _table(request, conn, id, chosen),
    }
    return charts.drawn(request, "segments/alike.html", context, _why_chart(version))


@page(Permission.SEGMENTS_EDIT, methods=("POST",))
def learn(request: Request, id: int) -> HttpResponse:
    """Have the resemblance learned, now and then every week; or stop what runs."""
    conn, found = database.here(), one(database.here(), id)
    kind = f"{likeness.PREFIX}{id}"
    if "stop" in request.POST:
        try:
            models.cancel(conn, kind)
        except Invalid as wrong:
            say(request, wrong.message, error=True)
    else:
        models.ask(conn, kind, by=request.actor.id)
        audit.record("segment.lookalikes", by=request.actor, kind="segment", id=id, name=found.name)
    return redirect("segment_alike", id)


@page(Permission.SEGMENTS_EDIT, methods=("POST",))
def keep(request: Request, id: int) -> HttpResponse:
    """Save those who resemble the members most as a segment, by a rule over the score."""
    conn, found = database.here(), one(database.here(), id)
    size = request.POST.get("size", "")
    reached = likeness.reach(conn, id, size=int(size) if size.isdecimal() else 0)
    if not reached:
        say(request, _("Nobody is scored yet."), error=True)
        return redirect("segment_alike", id)
    name = _("Like %s") % found.name
    given = " ".join(request.POST.get("name", "").replace("\0", "").split())[:200] or name
    rule = likeness.rule_for(id, reached[0].least)
    with transaction.atomic():
        made = segments.create(
            given, rule=rule, purpose="profile", actor=request.actor.id, now=clock.now(), conn=conn
        )
        audit.record(
            "segment.created", by=request.actor, kind="segment", id=made.id, name=given,
            after={"rule": made.rule, "purpose": "profile"},
        )  # fmt: skip
    filled = flow.fill_segment(made.id)
    say(request, _("%(name)s lives, with %(n)d members.") % {"name": given, "n": filled.members})
    return redirect("segment", made.id)


def _progress(request: Request, found: Segment, run: models.RunInfo | None) -> HttpResponse:
    """The waiting part, asked for every two seconds; the page again when it is over."""
    if run is None:
        answer = HttpResponse()
        answer["HX-Redirect"] = reverse("segment_alike", args=[found.id])
        return answer
    return render(request, "segments/alike_run.html", {"segment": found, "run": run})


def _kept_back(conn: Connection, kind: str) -> str:
    """Why the newest version is not in use, if there is one."""
    newest = next(iter(models.versions(conn, kind)), None)
    return newest.word if newest else ""


def _chosen(request: Request, conn: Connection, id: int, steps: list[Reach]) -> Reach | None:
    if not steps:
        return None
    size = request.GET.get("size", "")
    if not size.isdecimal() or len(size) > 9:
        return steps[0]
    return next(iter(likeness.reach(conn, id, size=max(1, int(size)))), steps[0])


def _table(request: Request, conn: Connection, id: int, chosen: Reach | None) -> Any:
    rows = conn.execute(
        _ALIKE,
        {"name": f"{likeness.PREFIX}{id}", "segment": id, "limit": SHOWN,
         "least": chosen.least if chosen else 2.0},
    ).fetchall()  # fmt: skip
    more = {row[0]: {"score": row[1], "reasons": (row[2] or {}).get("reasons", [])} for row in rows}
    return heading.customers_table(
        request,
        conn,
        [row[0] for row in rows],
        label=_("Those who resemble the members most"),
        empty=_("Nobody is scored yet."),
        columns=COLUMNS,
        more=more,
    )


def _why_chart(version: VersionInfo) -> Chart | None:
    """Why anybody resembles the members: the strongest weights."""
    weights = list(version.curves.get("weights", ()))[:12]
    if not weights:
        return None
    return Chart(
        id="weights",
        title=_("Above all: %s") % str(weights[0]["says"]),
        n=version.n,
        note=_("weight of each input, in standard deviations"),
        size="tall",
        inferred=True,
        option={
            "grid": {"top": 4},
            "legend": {"show": False},
            "tooltip": {"trigger": "item"},
            "xAxis": {"type": "value", "axisLabel": {"formatter": "signed"}},
            "yAxis": {"type": "category", "inverse": True,
                      "data": [str(each["name"])[:44] for each in weights],
                      "axisLabel": {"width": 220, "overflow": "truncate"}},
            "narrow": {"yAxis": {"axisLabel": {"width": 120}}},
            "series": [{
                "type": "bar",
                "data": [{"value": each["weight"], "tip": [each["says"]],
                          "tone": "record" if each["weight"] >= 0 else "engage"}
                         for each in weights],
            }],
        },
        columns=((_("What"), "text"), (_("Says"), "text"), (_("Weight"), "signed")),
        rows=[(each["name"], each["says"], each["weight"]) for each in weights],
    )  # fmt: skip


def _reasons(row: dict[str, Any]) -> SafeString:
    return format_html('<span class="quiet">{}</span>', "; ".join(row["reasons"]) or words.DASH)


_ALIKE = """
SELECT s.customer_id, s.value, s.inputs FROM scores s
WHERE s.name = %(name)s AND s.value >= %(least)s AND NOT EXISTS (
  SELECT FROM segment_members m
  WHERE m.customer_id = s.customer_id AND m.segment_id = %(segment)s)
ORDER BY s.value DESC, s.customer_id LIMIT %(limit)s
"""
