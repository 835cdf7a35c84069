"""What is behind the figures: the answers themselves, and the table for other programs."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from touchloop.console import database
from touchloop.console.cases import whom
from touchloop.console.customers import sight, wording
from touchloop.console.pages import Request, page
from touchloop.console.scorecards.asking import KINDS, Asked, read
from touchloop.console.surveys import stream
from touchloop.console.surveys.stream import Wanted
from touchloop.console.ui.tables import Query, Table, respond
from touchloop.core import clock
from touchloop.core.access import Permission
from touchloop.core.db import Connection
from touchloop.experience.scorecards.api import Row
from touchloop.experience.surveys.api import Given

HEAD = (
    "kind", "region", "location", "channel", "stage", "name", "hidden", "answers", "simulated",
    "invited", "response", "value", "standard_error", "low95", "high95", "mean", "shrunken",
    "rank", "in_worst_tenth", "funnel_low95", "funnel_high95", "funnel_low998", "funnel_high998",
    "zone",
)  # fmt: skip


@page(Permission.SCORECARDS_VIEW)
def answers(request: Request) -> HttpResponse:
    """The answers behind a cell."""
    conn = database.here()
    asked = read(request.GET, actor=request.actor, conn=conn, now=clock.now())
    query = Query.of(request, stream.COLUMNS)
    found, following = stream.answers(conn, wanted(conn, asked), after=query.after)
    table = Table(
        name="answers",
        label=_("Answers"),
        columns=stream.COLUMNS,
        query=query,
        rows=stream.rows(conn, found, sight.of(request.actor)),
        next=following,
        nothing_fits=_("Answers that were given confidentially are shown for whole places only."),
    )
    if request.headers.get("X-Rows"):
        return respond(request, "scorecards/answers.html", {"table": table})
    context = {
        "table": table,
        "asked": asked,
        "kind_word": KINDS[asked.kind],
        "where": _where(conn, asked),
        "made_up": any(each.simulated for each in found),
        "crumbs": [(_("Answers"), "")],
    }
    return render(request, "scorecards/answers.html", context)


@page(Permission.SCORECARDS_VIEW)
def table_csv(request: Request) -> HttpResponse:
    """The card as a table for other programs. What is hidden on the page is hidden in it."""
    conn = database.here()
    asked = read(request.GET, actor=request.actor, conn=conn, now=clock.now())
    out = StringIO()
    writer = csv.writer(out)
    writer.writerow(HEAD)
    for row in asked.card(conn, asked.by).rows:
        if asked.region is None or row.path[0] == asked.region:
            writer.writerow(_plain(row))
    response = HttpResponse(out.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = (
        f'attachment; filename="scorecard-{asked.kind}-{asked.by}.csv"'
    )
    return response


def wanted(conn: Connection, asked: Asked) -> Wanted:
    """The answers of the cell that an address names."""
    regions = _regions(conn) if asked.region is not None else {}
    locations = asked.locations
    if asked.place and asked.place in {location for _channel, location in regions}:
        one = frozenset({asked.place})
        locations = one if locations is None else locations & one

    def fits(given: Given) -> bool:
        place = given.location or given.channel
        return (
            given.kind == asked.kind
            and (asked.region is None or _region(regions, given) == asked.region)
            and (not asked.place or place == asked.place)
            and (not asked.channel or given.channel == asked.channel)
            and (asked.stage is None or given.stage == asked.stage)
        )

    return Wanted(
        poor_only=asked.poor,
        since=asked.since,
        until=asked.now,
        simulated=False if asked.real else None,
        locations=locations,
        fits=fits,
    )


def _region(regions: dict[tuple[str, str], str], given: Given) -> str:
    return regions.get((given.channel, given.location), "")


def _regions(conn: Connection) -> dict[tuple[str, str], str]:
    rows = conn.execute("SELECT channel, location, region FROM touchpoints").fetchall()
    return {(channel, location): region for channel, location, region in rows}


def _where(conn: Connection, asked: Asked) -> str:
    """The cell in words."""
    if asked.place:
        name = whom.place_names(conn, [asked.place]).get(asked.place, asked.place)
        return f"{name}, {wording.channel(asked.channel)}" if asked.channel else name
    if asked.stage is not None:
        return wording.stage(asked.stage) if asked.stage else _("No stage")
    if asked.region is not None:
        return asked.region or _("No region")
    return ""


def _plain(row: Row) -> Iterator[object]:
    """One row of the table; a text that a spreadsheet would reckon is marked as text."""
    for text in (row.kind, row.region, row.location, row.channel, row.stage, row.name):
        yield f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
    yield "yes" if row.hidden else "no"
    limits, shrunken = row.funnel, row.shrunken
    scale = 1.0 if row.kind == "nps" else 100.0
    for number in (
        row.n,
        row.simulated,
        row.invited,
        row.response.value if row.response else None,
        row.value,
        row.net.se if row.net else None,
        row.low,
        row.high,
        row.mean,
        shrunken.value * scale if shrunken else None,
        row.rank,
        shrunken.in_worst if shrunken else None,
        limits.low95 * scale if limits else None,
        limits.high95 * scale if limits else None,
        limits.low998 * scale if limits else None,
        limits.high998 * scale if limits else None,
    ):
        yield "" if number is None else round(number, 4)
    yield row.zone
