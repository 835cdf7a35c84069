"""The page of risk: who leaves with which probability, whom to care for first, who uses less."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from touchloop.console import database, organisation
from touchloop.console.cases import whom
from touchloop.console.customers import sight, wording
from touchloop.console.insight.risk import drawing
from touchloop.console.insight.tabs import tabs
from touchloop.console.pages import Request, page
from touchloop.console.ui import cells, charts, words
from touchloop.console.ui.tables import Column, Query, Table
from touchloop.core import access
from touchloop.core.access import Permission
from touchloop.core.db import Connection
from touchloop.insight.models import api as models
from touchloop.insight.models.api import VersionInfo
from touchloop.insight.scores import api as scores

NAME, VALUE = "churn", "clv_12m"
ROWS = 50
Line = tuple[scores.Ranked, Any]


@page(Permission.INSIGHT_VIEW)
def show(request: Request) -> HttpResponse:
    """Everything as it was stored by the last scoring."""
    conn = database.here()
    found = models.latest(conn)
    churn, usage = (_of(found.get(kind.name)) for kind in (scores.CHURN, scores.USAGE_GAP))
    bins = scores.histogram(conn, NAME, edges=drawing.EDGES) if churn else []
    parts = churn.curves.get("parts", {}) if churn else {}
    context: dict[str, Any] = {
        "tabs": tabs("risk"),
        "churn": churn,
        "usage": usage,
        "stats": _stats(churn, bins, parts) if churn else None,
        "table": _table(request, conn)
        if churn and access.allows(request.actor, Permission.CUSTOMERS_VIEW)
        else None,
    }
    first: dict[str, Any] = next(iter(parts.values()), {})
    drawn = [
        drawing.distribution(bins),
        drawing.calibration(first.get("calibration", ()), score=NAME),
        drawing.contest(first),
        drawing.gaps(usage.curves.get("services", ()), scores.families(conn, scores.USAGE_GAP.name))
        if usage
        else None,
    ]
    return charts.drawn(request, "insight/risk/show.html", context, *drawn)


def _of(pair: tuple[VersionInfo | None, VersionInfo] | None) -> VersionInfo | None:
    """The version in use, else the newest."""
    return None if pair is None else pair[0] or pair[1]


def _stats(churn: VersionInfo, bins: list[scores.Bin], parts: dict[str, Any]) -> dict[str, Any]:
    n, leaving = sum(one.n for one in bins), sum(one.total for one in bins)
    cuts = [cut for part in parts.values() for cut in part.get("cuts", ())[-1:]]
    return {
        "n": n,
        "leaving": words.figure(round(leaving)),
        "share": f"{leaving / n:.1%}" if n else "",
        "before": ", ".join(f"{cut['gone'] / cut['n']:.1%}" for cut in cuts if cut["n"]),
        "silent": sum(cut["silent"] for cut in cuts),
        "parts": ", ".join(str(_PARTS.get(name, name)) for name in parts),
        "validation": "; ".join(part.get("validation", "") for part in parts.values()),
        "until": churn.until,
    }


def _table(request: Request, conn: Connection) -> Table | None:
    sees = sight.of(request.actor)
    if sees.locations is not None:  # the ranking is over everybody; theirs is the filtered list
        return None
    columns = _columns(organisation.current().currency)
    query = Query.of(request, columns, default=f"-{NAME}")
    skip = int(query.after) if query.after.isdigit() else 0
    found = scores.ranked(
        conn, (NAME, VALUE), by=query.sort, descending=query.descending, skip=skip, limit=ROWS
    )
    people = whom.customers(conn, (each.id for each in found), sees)
    return Table(
        name="risk",
        label=_("Customers at risk"),
        columns=columns,
        query=query,
        rows=[(each, people.get(each.id)) for each in found],
        row_id=lambda line: line[0].id,
        href=lambda line: line[1].url if line[1] else "",
        next=str(skip + ROWS) if len(found) == ROWS and skip + ROWS < 1_000 else "",
        empty=_("Nobody has a score yet."),
        note=_("At stake: the value of 12 months times the probability of leaving."),
    )


def _columns(currency: str) -> tuple[Column, ...]:
    def money(amount: float | None) -> SafeString:
        return cells.quiet(None) if amount is None else cells.text(wording.money(amount, currency))

    def stake(line: Line) -> SafeString:
        risk, value = _score(line, NAME), _score(line, VALUE)
        return money(risk.value * value.value if risk and value else None)

    def value(line: Line) -> SafeString:
        score = _score(line, VALUE)
        return money(score.value if score else None)

    return (
        Column("name", gettext_lazy("Customer"), cell=lambda line: whom.cell(line[1])),
        Column(NAME, gettext_lazy("Leaves"), cell=_risk, sorts=True, end=True, next_sort="-"),
        Column("interval", gettext_lazy("95 %"), cell=_between, end=True, minor=True),
        Column("within", gettext_lazy("Within"), cell=_within, end=True, minor=True),
        Column(VALUE, gettext_lazy("Value, 12 months"), cell=value, sorts=True, end=True,
               next_sort="-"),
        Column("stake", gettext_lazy("At stake"), cell=stake, end=True),
        Column("why", gettext_lazy("Because"), cell=_why, wrap=True, minor=True),
    )  # fmt: skip


def _score(line: Line, name: str) -> scores.Score | None:
    return line[0].scores.get(name)


def _risk(line: Line) -> SafeString:
    score = _score(line, NAME)
    return cells.text(f"{score.value:.0%}") if score else cells.quiet(None)


def _between(line: Line) -> SafeString:
    score = _score(line, NAME)
    if score is None or "low" not in score.inputs:
        return cells.quiet(None)
    return cells.quiet(f"{score.inputs['low']:.0%} – {score.inputs['high']:.0%}")


def _within(line: Line) -> SafeString:
    score = _score(line, NAME)
    if score is None or "horizon" not in score.inputs:
        return cells.quiet(None)
    return cells.quiet(_("%s days") % score.inputs["horizon"])


def _why(line: Line) -> SafeString:
    score = _score(line, NAME)
    return cells.quiet("; ".join(score.inputs.get("reasons", ())) if score else None)


_PARTS = {"shopping": gettext_lazy("shoppers"), "contract": gettext_lazy("contracts")}
