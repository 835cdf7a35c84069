"""The pages of matching: the last run and what it learned, pairs to label, homes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from touchloop.console import database
from touchloop.console.customers import listing, person, sight
from touchloop.console.customers.pair import pair
from touchloop.console.customers.sight import Sight
from touchloop.console.insight.matching import drawing
from touchloop.console.insight.matching.parts import parts
from touchloop.console.insight.tabs import tabs
from touchloop.console.pages import Request, page
from touchloop.console.ui import charts
from touchloop.core.access import Permission
from touchloop.core.db import Connection
from touchloop.identity import api as identity
from touchloop.insight.matching import api as matching

HOMES = 24
VERSIONS = 10
TRIED = 40  # pairs that are passed over because the reader may not see one of the two


@dataclass(frozen=True, slots=True)
class Member:
    """One customer of a home."""

    id: int
    name: str


@page(Permission.INSIGHT_VIEW)
def show(request: Request) -> HttpResponse:
    """The last run, the weights, how right they are, and what may happen by itself."""
    conn = database.here()
    done = matching.latest(conn, state="done")
    version = matching.version(conn, done.version_id) if done and done.version_id else None
    policy, bar = matching.policy(conn), matching.sure_from(conn)
    context = {
        "tabs": tabs("matching"),
        "parts": parts("run"),
        "done": done,
        "figures": done.figures if done else {},
        "version": version,
        "fields": version.parameters["fields"] if version else [],
        "labelled": matching.labelled(conn),
        "policy": policy,
        "precision": f"{100 * policy.precision:.4g}",
        "bar": bar,
        "to_decide": identity.count_suggestions(conn),
        "versions": matching.versions(conn, limit=VERSIONS),
        **_progress(conn),
    }
    return charts.drawn(
        request, "insight/matching/show.html", context,
        drawing.right(matching.curve(conn), policy, bar), drawing.weights(version),
    )  # fmt: skip


@page(Permission.INSIGHT_VIEW)
def progress(request: Request) -> HttpResponse:
    """The run that waits or is at work, alone."""
    answer = render(request, "insight/matching/progress.html", _progress(database.here()))
    if answer.status_code == 200 and _progress(database.here())["run"] is None:
        answer["HX-Refresh"] = "true"
    return answer


@page(Permission.SUGGESTIONS_VIEW)
def look(request: Request) -> HttpResponse:
    """Two customers side by side: are they one?"""
    conn, sees = database.here(), sight.of(request.actor)
    after = request.GET.get("after", "")
    context: dict[str, Any] = {
        "tabs": tabs("matching"),
        "parts": parts("label"),
        "labelled": matching.labelled(conn),
        "question": _question(conn, sees, int(after) if after.isdigit() and len(after) < 18 else 0),
    }
    return render(request, "insight/matching/label.html", context)


@page(Permission.SUGGESTIONS_VIEW)
def homes(request: Request) -> HttpResponse:
    """Households: customers of one home, linked and not merged."""
    conn, sees = database.here(), sight.of(request.actor)
    given = request.GET.get("before", "")
    before = int(given) if given.isdigit() and len(given) < 19 else None
    found = matching.homes(conn, limit=HOMES + 1, before=before)
    shown = []
    for home in found[:HOMES]:
        members = [each for id in home.customers if (each := _member(conn, id, sees))]
        if len(members) > 1:
            shown.append({"members": members, "reason": _(home.reason)})
    context = {
        "tabs": tabs("matching"),
        "parts": parts("homes"),
        "homes": shown,
        "older": found[HOMES - 1].id if len(found) > HOMES else None,
    }
    return render(request, "insight/matching/homes.html", context)


def _progress(conn: Connection) -> dict[str, Any]:
    last = matching.latest(conn)
    return {
        "run": last if last and last.state in ("asked", "running") else None,
        "failed": last if last and last.state == "failed" else None,
    }


def _question(conn: Connection, sees: Sight, after: int) -> dict[str, Any] | None:
    """The next pair of two customers that the reader may see."""
    for found in matching.unlabelled(conn, after=after, limit=TRIED):
        try:
            one, other = (person.within_sight(conn, id, sees) for id in (found.a_id, found.b_id))
        except Http404:
            continue
        if one.id != other.id:
            return {"pair": found, "sides": pair(conn, one, other, sees)}
    return None


def _member(conn: Connection, id: int, sees: Sight) -> Member | None:
    try:
        customer = person.within_sight(conn, id, sees)
    except Http404:
        return None
    return Member(
        customer.id, listing.called(customer.display_name, customer.leader, customer.id, sees)
    )
