"""What sets a segment apart: from another segment, or from everybody else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from touchloop.consent import api as consent
from touchloop.console import database
from touchloop.console.pages import Request, page, say
from touchloop.console.segments import heading
from touchloop.console.segments.heading import one
from touchloop.console.ui import charts, words
from touchloop.console.ui.charts import Chart, Lead, Size
from touchloop.console.ui.tables import respond
from touchloop.core import clock
from touchloop.core.access import Permission
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid
from touchloop.insight.likeness import api as likeness
from touchloop.insight.likeness.api import Contrast, Difference
from touchloop.insight.segments import api as segments

BARS = 16
KINDS = {
    "event": gettext_lazy("had %s"),
    "channel": gettext_lazy("came by %s"),
    "department": gettext_lazy("bought from %s"),
    "category": gettext_lazy("bought %s"),
    "trait": gettext_lazy("is %s"),
}


@page(Permission.SEGMENTS_VIEW, methods=("GET", "POST"))
def apart(request: Request, id: int) -> HttpResponse:
    """The comparison as it was computed last; POST asks for it (again)."""
    conn, found = database.here(), one(database.here(), id)
    other = _other(request)
    address = f"{reverse('segment_apart', args=[id])}?{urlencode({'with': other})}"
    if request.method == "POST":
        try:
            likeness.ask(conn, id, other, by=request.actor.id, now=clock.now())
        except Invalid as wrong:
            say(request, wrong.message, error=True)
        return redirect(address)
    every = [each for each in segments.listing(conn=conn) if each.id != id]
    names = {each.id: each.name for each in every}
    if other and other not in names:
        raise Http404
    asked = likeness.asked(conn, id, other)
    kept = asked.found if asked else None
    name = names.get(other, _("everybody else"))
    context = {
        **heading.head(conn, found, "segment_apart"),
        "other": other,
        "others": [(0, _("everybody else")), *names.items()],
        "name": name,
        "asked": asked,
        "kept": kept,
        "sure": sum(each.sure for each in kept.differences) if kept else 0,
        "address": address,
    }
    if request.headers.get("HX-Request") and asked and asked.waits:
        return render(request, "segments/apart_waits.html", context)
    if request.headers.get("HX-Request"):
        answer = HttpResponse()
        answer["HX-Redirect"] = address
        return answer
    chart = None
    if kept and kept.differences:
        rules = [each.rule for each in (found, *(one for one in every if one.id == other))]
        chart = _chart(id, found.name, name, kept, _asked(conn, rules))
    return charts.drawn(request, "segments/apart.html", context, chart)


@page(Permission.SEGMENTS_VIEW)
def doing(request: Request, id: int) -> HttpResponse:
    """The members of whom one thing is true: who is behind a bar."""
    conn, found = database.here(), one(database.here(), id)
    kind, value = request.GET.get("kind", ""), request.GET.get("value", "")
    if kind not in _WHO or not value or "\0" in value:
        raise Http404
    trait, _equals, text = value.partition("=")
    given = {"segment": id, "value": value, "trait": trait, "text": text,
             "since": clock.now() - likeness.WINDOW, "profile": consent.BIT["profile"],
             "after": heading.after(request), "limit": heading.ROWS + 1}  # fmt: skip
    rows = conn.execute(f"{_MEMBERS} {_WHO[kind]} {_PAGE}".encode(), given).fetchall()
    table = heading.customers_table(
        request,
        conn,
        [row[0] for row in rows],
        label=_("Customers"),
        empty=_("No member is there now of whom this is true."),
    )
    context = {
        "table": table,
        "title": _("Members of %s") % found.name[:80],
        "lead": _("of whom this is true: %s.") % _thing(kind, value),
        "crumbs": [
            (found.name[:60], reverse("segment", args=[id])),
            (_("What sets it apart"), reverse("segment_apart", args=[id])),
            (_("Customers"), ""),
        ],
    }
    return respond(request, "segments/customers.html", context)


def _chart(
    id: int, name: str, other: str, found: Contrast, asked: frozenset[tuple[str, str]]
) -> Chart:
    """Differences in points, each with its interval, the surest and largest first.

    What the rules themselves ask is no finding: it stands in the table only.
    """
    telling = [each for each in found.differences if not _is_asked(each, asked)]
    shown = [each for each in telling if each.sure][:BARS] or telling[:8]
    labels = [_thing(each.kind, each.value)[:48] for each in shown]
    return Chart(
        id="apart",
        title=_finding(telling),
        n=found.one + found.other,
        note=_("difference in points with 95 % intervals, of the last twelve months"),
        size=_size(len(shown)),
        option={
            "grid": {"top": 4},
            "xAxis": {"type": "value", "axisLabel": {"formatter": "points"}},
            "yAxis": {"type": "category", "inverse": True, "data": labels,
                      "axisLabel": {"width": 220, "overflow": "truncate"}},
            "narrow": {"yAxis": {"axisLabel": {"width": 120}}},
            "legend": {"show": False},
            "tooltip": {"trigger": "item"},
            "series": [
                {
                    "name": name, "type": "bar", "plain": True,
                    "data": [
                        {"value": each.gap, "tone": "record" if each.gap >= 0 else "engage",
                         "url": _url(id, each), "tip": _tip(each, label, name, other)}
                        for each, label in zip(shown, labels, strict=True)
                    ],
                },
                {
                    "type": "interval", "tone": "ink", "silent": True,
                    "data": [[at, each.low, each.high] for at, each in enumerate(shown)],
                },
            ],
        },
        columns=(
            (_("What"), "text"), (name[:40], "percent"), (other[:40], "percent"),
            (_("Difference"), "points"), (_("Low"), "points"), (_("High"), "points"),
            (_("Customers"), "figure"), (_("Chance, corrected"), "text"),
        ),
        rows=[
            (Lead(_row(each, asked), _url(id, each)), each.one.value,
             each.other.value, each.gap, each.low, each.high, each.one.x, _chance(each.q))
            for each in found.differences
        ],
    )  # fmt: skip


def _finding(telling: Sequence[Difference]) -> str:
    sure = [each for each in telling if each.sure]
    if not sure:
        return _("Beyond what the rule asks, nothing differs more than by chance")
    first = sure[0]
    return _("Most of all: %(what)s, %(one)s against %(other)s") % {
        "what": _thing(first.kind, first.value),
        "one": words.percent(first.one.value),
        "other": words.percent(first.other.value),
    }


def _asked(conn: Connection, rules: Sequence[Any]) -> frozenset[tuple[str, str]]:
    """What the rules ask by name, as (kind, value); traits with any value as (trait, name)."""
    found: set[tuple[str, str]] = set()
    for rule in rules:
        asked = segments.subjects(conn, rule)
        found |= {("event", name) for name in asked.events}
        found |= {("channel", name) for name in asked.channels}
        found |= {("trait", name) for name in asked.traits}
        found |= {(field, value) for field, values, _part in asked.lines for value in values}
    return frozenset(found)


def _is_asked(each: Difference, asked: frozenset[tuple[str, str]]) -> bool:
    value = each.value.partition("=")[0] if each.kind == "trait" else each.value
    return (each.kind, value) in asked


def _row(each: Difference, asked: frozenset[tuple[str, str]]) -> str:
    said = _thing(each.kind, each.value)
    return _("%s (its rule asks this)") % said if _is_asked(each, asked) else said


def _size(bars: int) -> Size:
    if bars <= 3:
        return "small"
    return "" if bars <= 6 else "tall" if bars <= 11 else "large"


def _tip(each: Difference, label: str, name: str, other: str) -> list[str]:
    def said(who: str, part: Any) -> str:
        return f"{who[:40]}: {words.percent(part.value)} ({words.figure(part.x)} / {part.n})"

    return [label, said(name, each.one), said(other, each.other)]


def _thing(kind: str, value: str) -> str:
    if kind == "trait":
        value = value.replace("=", ": ", 1)
    return str(KINDS[kind]) % value


def _url(id: int, each: Difference) -> str:
    query = urlencode({"kind": each.kind, "value": each.value})
    return f"{reverse('segment_doing', args=[id])}?{query}"


def _chance(q: float) -> str:
    return "< 0.001" if q < 0.001 else f"{q:.3f}"


def _other(request: Request) -> int:
    given = request.POST.get("with", "") or request.GET.get("with", "")
    return int(given) if given.isdecimal() and len(given) < 10 else 0


_MEMBERS = """
SELECT m.customer_id FROM segment_members m JOIN customers a ON a.id = m.customer_id
WHERE m.segment_id = %(segment)s AND m.customer_id > %(after)s AND a.allowed & %(profile)s <> 0
  AND EXISTS (
"""
_PAGE = ") ORDER BY m.customer_id LIMIT %(limit)s"
_DID = """SELECT FROM identifiers i JOIN interactions x ON x.subject_id = i.id
  {join} WHERE i.customer_id = m.customer_id AND x.occurred_at > %(since)s
  AND {which}"""
_BOUGHT = """SELECT FROM identifiers i JOIN interaction_lines x ON x.subject_id = i.id
  WHERE i.customer_id = m.customer_id AND x.occurred_at > %(since)s
  AND x.{column} = %(value)s"""
_WHO: dict[str, str] = {
    "event": _DID.format(join="JOIN kinds k ON k.id = x.kind_id", which="k.name = %(value)s"),
    "channel": _DID.format(
        join="JOIN touchpoints p ON p.id = x.touchpoint_id", which="p.channel = %(value)s"
    ),
    "department": _BOUGHT.format(column="department"),
    "category": _BOUGHT.format(column="category"),
    "trait": "SELECT FROM customers c WHERE c.id = m.customer_id"
    " AND lower(c.traits -> %(trait)s ->> 'v') = lower(%(text)s)",
}
