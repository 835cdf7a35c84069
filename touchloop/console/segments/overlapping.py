"""How segments overlap: an UpSet plot whose bars lead to their customers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from touchloop.console import database
from touchloop.console.pages import Request, page, say
from touchloop.console.segments import heading
from touchloop.console.ui import charts, words
from touchloop.console.ui.charts import Chart, Lead
from touchloop.console.ui.tables import respond
from touchloop.core.access import Permission
from touchloop.core.errors import Invalid
from touchloop.insight.segments import api as segments
from touchloop.insight.segments.api import Intersection, Segment

MOST = 6
BARS = 18
ROW = 30  # px of a row of the matrix


@page(Permission.SEGMENTS_VIEW, methods=("GET", "POST"))
def overlap(request: Request) -> HttpResponse:
    """Choose two to six segments and see every intersection; POST comes from the list."""
    if request.method == "POST":
        chosen = [("s", id) for id in request.POST.getlist("id") if id.isdecimal()][:MOST]
        return redirect(f"{reverse('segment_overlap')}?{urlencode(chosen)}")
    conn = database.here()
    every = segments.listing(conn=conn)
    asked = {int(id) for id in request.GET.getlist("s") if id.isdecimal()}
    picked = [each for each in every if each.id in asked][:MOST]
    chart = None
    if len(picked) > 1:
        chart = _upset(picked, segments.overlap(conn, [each.id for each in picked]))
    elif picked and request.GET:
        say(request, _("Choose two to six segments."), error=True)
    context = {
        "every": every,
        "picked": {each.id for each in picked},
        "compared": len(picked) > 1,
        "crumbs": [(_("Overlap"), "")],
    }
    return charts.drawn(request, "segments/overlap.html", context, chart)


@page(Permission.SEGMENTS_VIEW)
def customers(request: Request) -> HttpResponse:
    """Who is behind one bar."""
    conn = database.here()
    every = {each.id: each for each in segments.listing(conn=conn)}
    asked = [int(id) for id in request.GET.getlist("s") if id.isdecimal() and int(id) in every]
    inside = frozenset(int(id) for id in request.GET.getlist("in") if id.isdecimal())
    try:
        found = segments.among_overlap(
            conn, asked, inside, limit=heading.ROWS + 1, after=heading.after(request)
        )
    except Invalid as wrong:
        say(request, wrong.message, error=True)
        return redirect("segment_overlap")
    named = [every[id].name for id in asked if id in inside]
    left = [every[id].name for id in asked if id not in inside]
    table = heading.customers_table(
        request,
        conn,
        [each.customer_id for each in found],
        label=_("Customers"),
        empty=_("Nobody is in just these segments now."),
    )
    back = f"{reverse('segment_overlap')}?{urlencode([('s', id) for id in asked])}"
    context = {
        "table": table,
        "title": _("In %s") % _and(named),
        "lead": _("and not in %s") % _and(left) if left else _("In all of those compared."),
        "crumbs": [(_("Overlap"), back), (_("Customers"), "")],
    }
    return respond(request, "segments/customers.html", context)


def _upset(picked: Sequence[Segment], found: Sequence[Intersection]) -> Chart:
    """Bars above, and under each bar the segments it is of: filled dots, joined by a line."""
    shown = found[:BARS]
    names = [each.name[:40] for each in picked]
    place = {each.id: at for at, each in enumerate(picked)}
    ids = [each.id for each in picked]
    urls = [_url(ids, each) for each in shown]
    bars = [{"value": each.customers, "url": url} for each, url in zip(shown, urls, strict=True)]
    spots = [
        (bar, place[each.id], each.id in one.segments, url)
        for bar, (one, url) in enumerate(zip(shown, urls, strict=True))
        for each in picked
    ]
    rows = [
        [bar, min(held), max(held)]
        for bar, one in enumerate(shown)
        if (held := [place[id] for id in one.segments])
    ]
    together = sum(each.customers for each in found)
    several = sum(each.customers for each in found if len(each.segments) > 1)
    return Chart(
        id="overlap",
        title=_finding(several, together),
        n=together,
        note=_("each customer counts once; the %(n)d largest of %(m)d intersections")
        % {"n": len(shown), "m": len(found)}
        if len(found) > BARS
        else _("each customer counts once"),
        size="tall",
        option=_option(names, bars, spots, rows),
        columns=((_("In just these"), "text"), _("Customers"), (_("Share"), "percent")),
        rows=[
            (_and([names[place[id]] for id in ids if id in each.segments]),
             Lead(each.customers, _url(ids, each)), each.customers / together)
            for each in found
        ],
    )  # fmt: skip


def _option(
    names: list[str],
    bars: list[dict[str, Any]],
    spots: list[tuple[int, int, bool, str]],
    joins: list[list[int]],
) -> dict[str, Any]:
    columns = [str(at + 1) for at in range(len(bars))]
    blank = {"show": False}
    axis = {"type": "category", "data": columns, "axisLabel": blank, "axisLine": blank}

    rows = {"type": "category", "data": names, "gridIndex": 1, "inverse": True, "axisLine": blank}
    short = {"width": 92, "overflow": "truncate"}

    def dots(filled: bool) -> list[dict[str, Any]]:
        return [{"value": [x, y], "url": url, "tip": names[y]}
                for x, y, inside, url in spots if inside is filled]  # fmt: skip

    low = ROW * len(names)
    room = min(170, 24 + 7 * max(len(name) for name in names))
    above = {"right": 16, "top": 20, "bottom": low + 12, "outerBoundsMode": "none"}
    below = {"right": 16, "height": low, "bottom": 0, "outerBoundsMode": "none"}
    return {
        "legend": blank,
        "tooltip": {"trigger": "item"},
        "grid": [{"left": room, **above}, {"left": room, **below}],
        "narrow": {"grid": [{"left": min(room, 110), **above}, {"left": min(room, 110), **below}],
                   "yAxis": [{"type": "value", "minInterval": 1}, {**rows, "axisLabel": short}]},
        "xAxis": [axis, {**axis, "gridIndex": 1}],
        "yAxis": [
            {"type": "value", "minInterval": 1},
            {**rows, "axisLabel": {"width": 150, "overflow": "truncate"}},
        ],
        "series": [
            {"name": _("Customers"), "type": "bar", "tone": "record", "data": bars,
             "label": {"show": True, "position": "top", "formatter": "short", "color": "quiet"}},
            {"type": "interval", "tone": "record", "plain": True, "xAxisIndex": 1,
             "yAxisIndex": 1, "silent": True, "upright": True, "z": 1, "data": joins},
            {"type": "scatter", "tone": "line", "symbol": "circle", "symbolSize": 10,
             "xAxisIndex": 1, "yAxisIndex": 1, "itemStyle": {"opacity": 1},
             "data": dots(False)},
            {"type": "scatter", "tone": "record", "symbol": "circle", "symbolSize": 12,
             "xAxisIndex": 1, "yAxisIndex": 1, "itemStyle": {"opacity": 1},
             "data": dots(True)},
        ],
    }  # fmt: skip


def _finding(several: int, together: int) -> str:
    if not together:
        return _("Nobody is in any of them")
    if not several:
        return _("They do not overlap")
    return _("%(n)s of %(m)s customers are in more than one (%(share)s)") % {
        "n": words.figure(several),
        "m": words.figure(together),
        "share": words.percent(several / together),
    }


def _url(ids: Sequence[int], one: Intersection) -> str:
    query = [("s", id) for id in ids] + [("in", id) for id in sorted(one.segments)]
    return f"{reverse('segment_overlap_customers')}?{urlencode(query)}"


def _and(names: Sequence[str]) -> str:
    return _(" and ").join(names) if len(names) < 3 else ", ".join(names)
