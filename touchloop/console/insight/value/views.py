"""The page of value: whom the company lives from, and how sure that is."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.http import HttpResponse
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from touchloop.console import database, organisation
from touchloop.console.cases import whom
from touchloop.console.customers import sight, wording
from touchloop.console.insight.tabs import tabs
from touchloop.console.insight.value import contracts, drawing
from touchloop.console.pages import Request, page
from touchloop.console.ui import cells, charts, words
from touchloop.console.ui.tables import Column, Query, Table
from touchloop.core import access
from touchloop.core.access import Permission
from touchloop.core.db import Connection
from touchloop.insight.models import api as models
from touchloop.insight.models.api import VersionInfo
from touchloop.insight.scores import api as scores

NAMES = ("clv_12m", "p_alive", "expected_orders_12m", "next_order_days", "rfm")
ROWS = 50
GONE = 0.05
Line = tuple[scores.Ranked, Any]


@page(Permission.INSIGHT_VIEW)
def show(request: Request) -> HttpResponse:
    """The grid, the tenths, the calibration and the customers, all as they were stored."""
    conn = database.here()
    found = models.latest(conn)
    value, rfm, made = (_of(found.get(name)) for name in ("lifetime_value", "rfm", "contracts"))
    currency = organisation.current().currency
    context: dict[str, Any] = {
        "tabs": tabs("value"),
        "value": value,
        "rfm": rfm,
        "stats": _stats(value, currency) if value else None,
        "lines": _models(value) if value else [],
        "spend": value.parameters.get("spend") if value else None,
        "contracts": made,
        "contract_lines": contracts.lines(made),
        "contract_held": contracts.held(made),
        "table": _table(request, conn, value, currency)
        if value and access.allows(request.actor, Permission.CUSTOMERS_VIEW)
        else None,
    }
    drawn = [*_charts(value, rfm), *contracts.charts(conn, made)]
    context["contract_charts"] = [each.id for each in drawn if each and "contracts" in each.id]
    return charts.drawn(request, "insight/value/show.html", context, *drawn)


def _of(pair: tuple[VersionInfo | None, VersionInfo] | None) -> VersionInfo | None:
    """The version in use, else the newest."""
    return None if pair is None else pair[0] or pair[1]


def _charts(value: VersionInfo | None, rfm: VersionInfo | None) -> list[charts.Chart | None]:
    found = [drawing.grid(rfm.curves.get("grid", ()))] if rfm else []
    if value is None:
        return found
    curves = value.curves
    holdout = curves.get("holdout", {})
    return [
        *found,
        drawing.tenths(curves.get("tenths", ()), horizon=_("12 months")),
        drawing.by_week(curves.get("by_week", ()), curves.get("calibration_weeks", 0.0), holdout),
        drawing.by_frequency(curves.get("by_frequency", ()), holdout.get("days", 0.0)),
        drawing.newcomer(curves.get("newcomer", ())),
    ]


def _stats(value: VersionInfo, currency: str) -> dict[str, Any]:
    tenths, holdout = value.curves.get("tenths", ()), value.curves.get("holdout", {})
    total = sum(each["n"] * each["mean"] for each in tenths)
    low = sum(each["n"] * each["low"] for each in tenths)
    high = sum(each["n"] * each["high"] for each in tenths)
    naive = holdout.get("naive_own_rate", {})
    return {
        "total": wording.money(total, currency),
        "between": f"{wording.money(low, currency)} – {wording.money(high, currency)}",
        "n": value.n,
        "discount": f"{value.parameters.get('discount_a_year', 0):.0%}",
        "model": value.parameters.get("label", ""),
        "error": words.figure(round(holdout["mae"], 2)) if "mae" in holdout else "",
        "naive_error": words.figure(round(naive["mae"], 2)) if "mae" in naive else "",
        "inside": f"{holdout['within_range_of_8_in_10']:.0%}"
        if "within_range_of_8_in_10" in holdout
        else "",
        "tested": holdout.get("customers"),
        "until": value.until,
    }


def _models(value: VersionInfo) -> list[dict[str, Any]]:
    """Each model with its parameters; that in use with intervals, one at a boundary with words."""
    used, bounds = value.parameters.get("model"), value.parameters.get("intervals_95", {})
    lines = []
    for name, model in value.parameters.get("models", {}).items():
        numbers = []
        for key, number in model.items():
            if key in ("log_likelihood", "boundary") or number is None:
                continue
            text = f"{key} {number:.4g}"
            if name == used and key in bounds:
                text += f" ({bounds[key][0]:.3g} – {bounds[key][1]:.3g})"
            numbers.append(text)
        lines.append(
            {
                "name": name, "used": name == used, "numbers": numbers,
                "fit": f"{model['log_likelihood']:,.1f}", "boundary": model.get("boundary") or "",
            }
        )  # fmt: skip
    return lines


def _table(request: Request, conn: Connection, value: VersionInfo, currency: str) -> Table | None:
    sees = sight.of(request.actor)
    if sees.locations is not None:  # the ranking is over everybody; theirs is the filtered list
        return None
    until = value.until.date() if value.until else None
    columns = _columns(currency, until)
    query = Query.of(request, columns, default="-clv_12m")
    skip = int(query.after) if query.after.isdigit() else 0
    found = scores.ranked(
        conn, NAMES, by=query.sort, descending=query.descending, skip=skip, limit=ROWS
    )
    people = whom.customers(conn, (each.id for each in found), sees)
    full = len(found) == ROWS and skip + ROWS < 1_000
    return Table(
        name="worth",
        label=_("Customers by value"),
        columns=columns,
        query=query,
        rows=[(each, people.get(each.id)) for each in found],
        row_id=lambda line: line[0].id,
        href=lambda line: line[1].url if line[1] else "",
        next=str(skip + ROWS) if full else "",
        empty=_("Nobody has a score yet."),
    )


def _columns(currency: str, until: date | None) -> tuple[Column, ...]:
    def value(line: Line) -> SafeString:
        score = line[0].scores.get("clv_12m")
        return cells.text(wording.money(score.value, currency)) if score else cells.quiet(None)

    def day(line: Line) -> SafeString:
        score, alive = (line[0].scores.get(name) for name in ("next_order_days", "p_alive"))
        if score is None or until is None or score.value >= 3_650:
            return cells.quiet(None)
        if alive is not None and alive.value < GONE:  # a date would promise what nobody expects
            return cells.quiet(None)
        return cells.text(date_format(until + timedelta(days=round(score.value)), "DATE_FORMAT"))

    return (
        Column("name", gettext_lazy("Customer"), cell=lambda line: whom.cell(line[1])),
        Column("clv_12m", gettext_lazy("Value, 12 months"), cell=value, sorts=True, end=True,
               next_sort="-"),
        Column("interval", gettext_lazy("95 %"), cell=lambda line: _between(line, "clv_12m"),
               end=True, minor=True),
        Column("p_alive", gettext_lazy("Still a customer"), cell=_alive, sorts=True, end=True),
        Column("expected_orders_12m", gettext_lazy("Orders, 12 months"), cell=_orders, sorts=True,
               end=True),
        Column("range", gettext_lazy("8 in 10"), end=True, minor=True,
               cell=lambda line: _between(line, "expected_orders_12m")),
        Column("next_order_days", gettext_lazy("Next order about"), cell=day, sorts=True),
        Column("rfm", gettext_lazy("RFM"), cell=_rfm, sorts=True, end=True, minor=True),
        Column("why", gettext_lazy("Because"), cell=_why, wrap=True, minor=True),
    )  # fmt: skip


def _alive(line: Line) -> SafeString:
    score = line[0].scores.get("p_alive")
    return cells.text(f"{score.value:.0%}") if score else cells.quiet(None)


def _orders(line: Line) -> SafeString:
    score = line[0].scores.get("expected_orders_12m")
    return cells.figure(round(score.value, 1)) if score else cells.quiet(None)


def _rfm(line: Line) -> SafeString:
    score = line[0].scores.get("rfm")
    return cells.text(f"{score.value:.0f}") if score else cells.quiet(None)


def _between(line: Line, name: str) -> SafeString:
    score = line[0].scores.get(name)
    if score is None or "low" not in score.inputs:
        return cells.quiet(None)
    low, high = score.inputs["low"], score.inputs["high"]
    return cells.quiet(f"{words.figure(round(low))} – {words.figure(round(high))}")


def _why(line: Line) -> SafeString:
    score = line[0].scores.get("clv_12m")
    return cells.quiet("; ".join(score.inputs.get("reasons", ())) if score else None)
