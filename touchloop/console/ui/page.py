"""/ui: every component in its states, drawn by the same templates the pages use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _

from touchloop.console import views_saved
from touchloop.console.pages import Request, page, with_drawer
from touchloop.console.ui import cells, samples
from touchloop.console.ui.tables import Action, Column, Query, Table, respond
from touchloop.core import clock
from touchloop.core.access import Permission

TREND = [12.0, 14, 11, 18, 21, 19, 24, 22, 27, 31, 28, 35, 33, 38]


@dataclass(frozen=True, slots=True)
class Sample:
    """A row of the example table."""

    id: int
    name: str
    volume: int
    seen: datetime
    state: str


COLUMNS = (
    Column(
        "name",
        "Name",
        cell=lambda s: cells.lead(s.name, "/ui/?drawer=1", drawer=True, note="track"),
        sorts=True,
    ),
    Column("state", "State", cell=lambda s: cells.badge(s.state, tone="record")),
    Column("volume", "Volume", cell=lambda s: cells.figure(s.volume), sorts=True, end=True),
    Column("trend", "Trend", cell=lambda s: cells.spark(TREND), minor=True),
    Column("seen", "Last seen", cell=lambda s: cells.when(s.seen), end=True),
)


@page(Permission.OWN_SETTINGS)
def show(request: Request) -> HttpResponse:
    context = _context(request)
    if request.GET.get("drawer"):
        return with_drawer(
            request, lambda: ("ui.html", context), "ui_drawer.html", {"back": "/ui/"}
        )
    return respond(request, "ui.html", context)


def _context(request: Request) -> dict[str, Any]:
    query = Query.of(request, COLUMNS, default="-volume")
    rows = _samples(int(query.after) if query.after.isdecimal() else 0)
    if query.sort:
        rows.sort(key=lambda s: getattr(s, query.sort), reverse=query.descending)
    table = Table(
        name="samples",
        label="Samples",
        columns=COLUMNS,
        query=query,
        rows=rows,
        next=str(rows[-1].id) if rows[-1].id < 60 else "",
        href=lambda s: f"/ui/?drawer={s.id}",
        actions=(Action(_("Replay"), "/ui/", icon="rotate-ccw"),),
    )
    now = clock.now()
    return {
        "table": table,
        "saved": views_saved.bar(request, "events", query),
        "trend": TREND,
        "moment": now - timedelta(minutes=3),
        "samples": samples.charts(),
        "tabs": [
            ("All", "/ui/", True, 248),
            ("Held", "/ui/", False, 3),
            ("Done", "/ui/", False, None),
        ],
        "options": [("web", "A web shop"), ("till", "A till")],
        "cities": [("Berlin", "Berlin", "DE"), ("Lyon", "Lyon", "FR"), ("Porto", "Porto", "PT")],
        "changes": [("name", "Shop", "Web shop"), ("plan", None, "warn"), ("secret", "yes", None)],
        "reasons": ["Three orders in the last 90 days", "No contact in 12 days"],
        "inputs": [
            ("orders", "3", "from the till, 4 h ago"),
            ("spend", "212.40", "from the till, 4 h ago"),
        ],
        "payload": '{\n  "type": "track",\n  "event": "Order Completed"\n}',
        "tones": ["record", "engage", "experience", "danger", ""],
    }


def _samples(after: int) -> list[Sample]:
    now = clock.now()
    names = ("Order Completed", "Product Viewed", "Cart Updated", "Coupon Redeemed", "Signed In")
    return [
        Sample(
            id=i,
            name=names[i % 5],
            volume=(i * 7919) % 9973,
            seen=now - timedelta(minutes=i * 7),
            state="live",
        )
        for i in range(after + 1, after + 21)
    ]
