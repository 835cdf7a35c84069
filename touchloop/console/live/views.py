"""Live: the newest interactions, more as they arrive, and what every step did to each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from touchloop.console import database
from touchloop.console.customers import events, listing, sight
from touchloop.console.customers.events import Entry
from touchloop.console.customers.sight import Sight
from touchloop.console.pages import Request, page, with_drawer
from touchloop.console.ui import words
from touchloop.core import clock
from touchloop.core.access import Permission
from touchloop.core.db import Connection
from touchloop.core.errors import NotFound
from touchloop.interactions.api import IDS_OF_A_BATCH
from touchloop.profiles import api as profiles
from touchloop.profiles.api import Item

SHOWN = 60
AT_ONCE = 60


@dataclass(frozen=True, slots=True)
class Arrival:
    """An interaction with whose it is."""

    entry: Entry
    customer_id: int
    name: str
    age: float


@dataclass(frozen=True, slots=True)
class StepDone:
    """What one step of the flow did to the batch that this interaction came with."""

    name: str
    says: str
    ms: str
    figures: Sequence[tuple[str, str]]


@page(Permission.LIVE_VIEW)
def live(request: Request) -> HttpResponse:
    """The newest interactions."""
    return render(request, "live/live.html", _list(request))


@page(Permission.LIVE_VIEW)
def newer(request: Request) -> HttpResponse:
    """Rows that came after an id, for the page that asks every other second."""
    after = request.GET.get("after", "")
    found = _arrivals(request, after=int(after) if after.isdigit() and len(after) < 19 else 0)
    return render(request, "live/rows.html", {"arrivals": found, "fresh": True})


@page(Permission.LIVE_VIEW)
def interaction(request: Request, id: int) -> HttpResponse:
    """One interaction: what each step did, its facts, its message."""
    conn, sees = database.here(), sight.of(request.actor)
    try:
        item = profiles.one_interaction(conn, id)
    except NotFound as missing:
        raise Http404(str(missing)) from missing
    whose = _whose(conn, [item], sees)
    if item.subject_id not in whose:
        raise Http404
    context = {
        **events.details(conn, item, sees),
        "arrival": _arrival(item, whose, sees),
        "batch": _batch(conn, id),
        "customer_id": whose[item.subject_id][0],
    }
    return with_drawer(
        request, lambda: ("live/live.html", _list(request)), "live/drawer.html", context
    )


def _list(request: Request) -> dict[str, Any]:
    found = _arrivals(request, after=0)
    return {"arrivals": found, "newest": found[0].entry.item.id if found else 0}


def _arrivals(request: Request, *, after: int) -> list[Arrival]:
    conn, sees = database.here(), sight.of(request.actor)
    items = profiles.newer(conn, after_id=after, limit=AT_ONCE if after else SHOWN)
    whose = _whose(conn, items, sees)
    return [_arrival(item, whose, sees) for item in items if item.subject_id in whose]


def _arrival(item: Item, whose: Mapping[int, tuple[int, str]], sees: Sight) -> Arrival:
    customer_id, name = whose[item.subject_id]
    age = (clock.now() - item.received_at).total_seconds()
    return Arrival(events.entry(item, sees), customer_id, name, age)


def _whose(conn: Connection, items: Sequence[Item], sees: Sight) -> dict[int, tuple[int, str]]:
    """Customer and name of each subject that the reader may see."""
    named = profiles.names(conn, sorted({item.subject_id for item in items}))
    return {
        subject: (one.id, listing.called(one.display_name, one.leader, one.id, sees))
        for subject, one in named.items()
        if sees.locations is None or sight.covers(sees, conn, one.id)
    }


@dataclass(frozen=True, slots=True)
class Batch:
    """The micro-batch that an interaction went through the flow with."""

    id: int
    worker: str
    started_at: datetime
    ms: float
    messages: int
    steps: Sequence[StepDone]


def _batch(conn: Connection, interaction_id: int) -> Batch | None:
    """None when its row is gone: rows of batches are kept for a week."""
    row = conn.execute(
        "SELECT id, worker, started_at, seconds, messages, steps FROM flow_batches WHERE id = %s",
        (interaction_id // IDS_OF_A_BATCH,),
    ).fetchone()
    if row is None:
        return None
    id, worker, started_at, seconds, messages, steps = row
    done = [
        StepDone(name, str(says), _ms(steps[name].get("ms")), _figures(steps[name]))
        for name, says in STEPS.items()
        if name in steps
    ]
    return Batch(id, worker, started_at, seconds * 1_000, messages, done)


def _ms(taken: float | None) -> str:
    """Milliseconds, as precise as they matter."""
    if taken is None:
        return ""
    return _("%s ms") % words.figure(round(taken) if taken >= 10 else round(taken, 1))


def _figures(noted: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a step counted, in words; zeros say nothing."""
    return [
        (str(_FIGURES.get(name, name)), words.figure(value))
        for name, value in noted.items()
        if name != "ms" and value not in (0, None, {}, [])
    ]


STEPS = {
    "open": gettext_lazy("Unpacked from the request, and held if it breaks the contract"),
    "once": gettext_lazy("Counted once: the same message again is dropped"),
    "plan": gettext_lazy("Checked against the tracking plan of its source"),
    "who": gettext_lazy("Given to a customer by its identifiers"),
    "consent": gettext_lazy("Asked what it may be used for"),
    "log": gettext_lazy("Written to the log, with kind, place and products"),
    "know": gettext_lazy("Added to the customer: traits, activity, the canonical row"),
    "understand": gettext_lazy("Asked the segments: who enters, who leaves"),
    "engage": gettext_lazy("Shown to triggers, offers and surveys, which act on it"),
}
_FIGURES = {
    "happened": gettext_lazy("shown"),
    "started": gettext_lazy("triggers started"),
    "exited": gettext_lazy("triggers left"),
    "messages": gettext_lazy("messages"),
    "held": gettext_lazy("held"),
    "duplicates": gettext_lazy("duplicates"),
    "conflicts": gettext_lazy("conflicts"),
    "claims": gettext_lazy("identities asked"),
    "changed": gettext_lazy("merges or splits"),
    "rows": gettext_lazy("rows"),
    "lines": gettext_lazy("products"),
    "customers": gettext_lazy("customers"),
    "folded": gettext_lazy("profiles folded"),
    "merged": gettext_lazy("merged"),
    "rules": gettext_lazy("rules"),
    "read": gettext_lazy("interactions read"),
    "entered": gettext_lazy("entered"),
    "left": gettext_lazy("left"),
}
