"""The pages of affinity, as they were stored by the last counting."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from touchloop.console import database
from touchloop.console.insight.affinity import drawing
from touchloop.console.insight.tabs import tabs
from touchloop.console.pages import Request, page
from touchloop.console.ui import cells, charts
from touchloop.console.ui.tables import Column, Query, Table
from touchloop.core import access
from touchloop.core.access import Permission
from touchloop.core.db import Connection
from touchloop.insight.affinity import api as affinity
from touchloop.insight.affinity.api import Idea, KeptPair
from touchloop.insight.models import api as models

LEVELS = {"category": gettext_lazy("Categories"), "product": gettext_lazy("Products")}
KINDS = {
    "shelf": gettext_lazy("Side by side"),
    "bundle": gettext_lazy("A strong one carries a slow one"),
    "message": gettext_lazy("Same homes, not same trips"),
}
RELATIONS = {"together": gettext_lazy("together"), "instead": gettext_lazy("instead of each other")}
ROWS = 100


@page(Permission.INSIGHT_VIEW)
def pairs(request: Request) -> HttpResponse:
    """Pairs as a network and a table: by trip or by household, whole or by department and place."""
    conn = database.here()
    level = request.GET.get("level", "")
    level = level if level in LEVELS else "category"
    home = request.GET.get("by") == "home"
    relation = request.GET.get("relation", "")
    relation = relation if relation in RELATIONS else ""
    parent, place = (request.GET.get(key, "")[:200].replace("\0", "") for key in ("in", "place"))
    names = _names(conn, level)
    found = affinity.pairs(
        conn, level, parent=parent, home=home, relation=relation, limit=ROWS
    )  # fmt: skip
    strongest = affinity.pairs(conn, level, parent=parent, relation="together", limit=drawing.DRAWN)
    cuts = affinity.cuts(conn, level, place=place, limit=ROWS) if place else []
    context = {
        **common(conn, "pairs"),
        "info": affinity.info(conn, level),
        "levels": [(key, label, key == level) for key, label in LEVELS.items()],
        "home": home, "relation": relation, "relations": RELATIONS.items(), "parent": parent,
        "parents": _parents(conn, level), "place": place,
        "places": [p for cut in ("quarter", "store") for p in affinity.places(conn, level, cut)],
        "cuts": [(cut, names.get(cut.a, cut.a), names.get(cut.b, cut.b)) for cut in cuts],
        "table": _table(request, found, level, names),
    }  # fmt: skip
    chart = None if place else drawing.network(strongest, level, names)
    return charts.drawn(request, "insight/affinity/pairs.html", context, chart)


@page(Permission.INSIGHT_VIEW)
def pair(request: Request) -> HttpResponse:
    """One pair: on trips, in homes, in stores, in the quarters; and who buys both."""
    conn = database.here()
    level, a, b = (request.GET.get(key, "")[:300].replace("\0", "") for key in ("level", "a", "b"))
    found = affinity.pair(conn, level, a, b) if level in LEVELS else None
    if found is None:
        raise Http404(_("This pair is not listed."))
    names = _names(conn, level)
    one = found.pair
    context = {
        **common(conn, "pairs"),
        "found": found, "pair": one, "a": names.get(one.a, one.a), "b": names.get(one.b, one.b),
        "relation": RELATIONS.get(found.relation, ""),
        "buyers": drawing.buyers(level, one.a, one.b)
        if access.allows(request.actor, Permission.SEGMENTS_EDIT)
        else "",
        "crumbs": [(_("Affinity"), reverse("insight_affinity")), (_("Pair"), "")],
    }  # fmt: skip
    drawn = [
        drawing.by_place(affinity.cuts(conn, level, cut=cut, a=one.a, b=one.b), title)
        for cut, title in (("quarter", _("By quarter of the year")), ("store", _("By store")))
    ]
    return charts.drawn(request, "insight/affinity/pair.html", context, *drawn)


@page(Permission.INSIGHT_VIEW)
def ideas(request: Request) -> HttpResponse:
    """Shelf neighbours, bundles and messages, with what they may bring."""
    conn = database.here()
    kind = request.GET.get("kind", "")
    kind = kind if kind in KINDS else "shelf"
    found = affinity.ideas(conn, kind=kind, limit=ROWS)
    names = {**_names(conn, "product"), **_names(conn, "category")}
    context = {
        **common(conn, "ideas"),
        "kinds": [(key, label, key == kind) for key, label in KINDS.items()],
        "table": Table(
            name="ideas", label=_("Ideas"), columns=_IDEAS,
            query=Query("", False, (), "", ()), rows=found,
            href=lambda idea: drawing.of_pair(idea.level, idea.strong, idea.slow),
            empty=_("There is no idea whose interval leaves chance out."),
        ),
    }  # fmt: skip
    return charts.drawn(
        request, "insight/affinity/ideas.html", context, drawing.gains(found, names)
    )


@page(Permission.INSIGHT_VIEW)
def next_categories(request: Request) -> HttpResponse:
    """What comes next, how well that is known, and beside it popularity."""
    conn = database.here()
    latest = models.latest(conn).get(affinity.NEXT_CATEGORY.name)
    version = None if latest is None else latest[0] or latest[1]
    curves = version.curves if version else {}
    labels = {name: _(label) for name, label in affinity.RANKERS.items()}
    n = next((metric.n for metric in version.metrics), 0) if version else 0
    names = {**_names(conn, "department"), **_names(conn, "category")}
    context = {**common(conn, "next"), "version": version}
    return charts.drawn(
        request, "insight/affinity/next.html", context,
        drawing.rankers(curves.get("rankers", ()), labels, n),
        drawing.scored(affinity.NEW, affinity.most_new(conn), names),
    )  # fmt: skip


def common(conn: Connection, here: str) -> dict[str, Any]:
    parts = (
        ("pairs", _("Pairs"), "insight_affinity"),
        ("ideas", _("Ideas"), "insight_affinity_ideas"),
        ("next", _("Next categories"), "insight_affinity_next"),
        ("families", _("Families"), "insight_affinity_families"),
    )
    return {
        "tabs": tabs("affinity"),
        "parts": [(label, reverse(url), name == here, None) for name, label, url in parts],
    }


def _names(conn: Connection, level: str) -> dict[str, str]:
    return {each.key: each.name for each in affinity.families(conn, level)}  # type: ignore[arg-type]


def _parents(conn: Connection, level: str) -> list[str]:
    found = affinity.families(conn, "department" if level == "category" else "category")
    return sorted(each.key for each in found if each.baskets)


def _table(request: Request, found: list[KeptPair], level: str, names: drawing.Names) -> Table:
    return Table(
        name="pairs", label=_("Pairs"), columns=_columns(names),
        query=Query("", False, (), "", ()), rows=found,
        href=lambda each: drawing.of_pair(level, each.pair.a, each.pair.b),
        empty=_("No pair stands out from chance here."),
    )  # fmt: skip


def _columns(names: drawing.Names) -> tuple[Column, ...]:
    def both(each: KeptPair) -> SafeString:
        a, b = each.pair.a, each.pair.b
        return cells.text(f"{names.get(a, a)} + {names.get(b, b)}")

    return (
        Column("pair", gettext_lazy("Pair"), cell=both, wrap=True),
        Column("n", gettext_lazy("Baskets"), end=True, cell=lambda x: cells.figure(x.pair.both)),
        Column("lift", gettext_lazy("Lift"), end=True,
               cell=lambda x: cells.text(f"{x.pair.trip.lift:.2f}")),
        Column("interval", gettext_lazy("95 %"), end=True, minor=True,
               cell=lambda x: cells.quiet(f"{x.pair.trip.low:.2f} – {x.pair.trip.high:.2f}")),
        Column("homes", gettext_lazy("Households"), end=True, minor=True,
               cell=lambda x: cells.figure(x.pair.home_both)),
        Column("home", gettext_lazy("Lift of households"), end=True,
               cell=lambda x: cells.text(f"{x.pair.home.lift:.2f}")),
        Column("home_interval", gettext_lazy("95 %"), end=True, minor=True,
               cell=lambda x: cells.quiet(f"{x.pair.home.low:.2f} – {x.pair.home.high:.2f}")),
        Column("relation", gettext_lazy("They are bought"), minor=True,
               cell=lambda x: cells.quiet(str(RELATIONS.get(x.relation, "")) or None)),
    )  # fmt: skip


def _amount(idea: Idea) -> SafeString:
    return cells.quiet(f"{idea.low:,.0f} – {idea.high:,.0f}")


_IDEAS = (
    Column("words", gettext_lazy("Idea"), wrap=True, cell=lambda idea: cells.text(idea.words)),
    Column("open", gettext_lazy("Open to"), end=True, cell=lambda i: cells.figure(i.open_to)),
    Column("gain", gettext_lazy("May bring"), end=True, cell=lambda i: cells.figure(round(i.gain))),
    Column("between", gettext_lazy("95 %"), end=True, minor=True, cell=_amount),
    Column("amount", gettext_lazy("Worth each"), end=True, minor=True,
           cell=lambda i: cells.text(f"{i.amount:.2f}")),
)  # fmt: skip
