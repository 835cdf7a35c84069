"""Lists from files held against the customers: upload, what was found of each row, a download.

Whoever is confined to some places does not get here: that a row is a customer of another place
would be told by it. Cells with contact details are shown to those who see such details.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from touchloop.console import database
from touchloop.console.customers import listing, person, sight
from touchloop.console.customers.sight import HIDDEN, Sight
from touchloop.console.insight.matching.parts import parts
from touchloop.console.insight.tabs import tabs
from touchloop.console.pages import Request, page, say
from touchloop.core import audit, clock
from touchloop.core.access import Permission
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid, NotFound
from touchloop.insight.matching import api as matching
from touchloop.insight.matching.api import ListInfo, ListRow

ROWS = 50
AT_ONCE = 2_000
PLAIN = frozenset({"given", "surname", "full_name", "born", "sex", "city", "state"})
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would run


@dataclass(frozen=True, slots=True)
class Shown:
    """A row as the page shows it: cells, the answer in a word, who it is, and why."""

    number: int
    cells: list[str]
    answer: str
    customer: tuple[int, str] | None
    probability: float | None
    reasons: list[str]


@page(Permission.SUGGESTIONS_VIEW)
def lists(request: Request) -> HttpResponse:
    """The lists that were uploaded, and the way to upload one."""
    _sees(request)
    found = matching.lists(database.here())
    context = {
        "tabs": tabs("matching"),
        "parts": parts("lists"),
        "lists": found,
        "working": any(each.state in ("asked", "running") for each in found),
    }
    return render(request, "insight/matching/lists.html", context)


@page(Permission.SUGGESTIONS_DECIDE, methods=("POST",))
def add(request: Request) -> HttpResponse:
    """Take a file in; the learner compares it when it is free."""
    _sees(request)
    file = request.FILES.get("file")
    if not isinstance(file, UploadedFile) or not file.name:
        say(request, _("Choose a file first."), error=True)
        return redirect("insight_matching_lists")
    name = Path(file.name).name.replace("\0", "")
    try:
        with tempfile.NamedTemporaryFile(suffix=".csv") as kept, transaction.atomic():
            for chunk in file.chunks():
                kept.write(chunk)
            kept.flush()
            id = matching.keep_list(
                database.here(), Path(kept.name), name=name, by=request.actor.id, now=clock.now()
            )
            audit.record("matching.list", by=request.actor, kind="matching_list", id=id, name=name)
    except Invalid as wrong:
        say(request, _("%(name)s: the %(said)s") % {"name": name, "said": wrong}, error=True)
        return redirect("insight_matching_lists")
    say(request, _("%s is read. It is compared when the learner is free.") % name)
    return redirect("insight_matching_list", id)


@page(Permission.SUGGESTIONS_VIEW)
def one(request: Request, id: int) -> HttpResponse:
    """What was found of a list, row by row."""
    sees, conn = _sees(request), database.here()
    found = _list(conn, id)
    answer = request.GET.get("answer", "")
    answer = answer if answer in matching.LIST_ANSWERS else ""
    after = request.GET.get("after", "")
    rows = matching.list_rows(
        conn, id, answer=answer, limit=ROWS + 1,
        after=int(after) if after.isdigit() and len(after) < 9 else 0,
    )  # fmt: skip
    context: dict[str, Any] = {
        "tabs": tabs("matching"),
        "parts": parts("lists"),
        "list": found,
        "working": found.state in ("asked", "running"),
        "hides": not sees.everything,
        "rows": [_shown(conn, found, row, sees) for row in rows[:ROWS]],
        "more": rows[ROWS - 1].number if len(rows) > ROWS else None,
        "answer": answer,
        "answers": [(each, word, found.figures.get(each, 0)) for each, word in _words().items()],
    }
    return render(request, "insight/matching/list.html", context)


@page(Permission.CUSTOMERS_EXPORT)
def file(request: Request, id: int) -> HttpResponse:
    """The list as it came, with what was found in front of each row."""
    sees, conn = _sees(request), database.here()
    found = _list(conn, id)
    audit.record(
        "matching.list_exported", by=request.actor, kind="matching_list", id=id, name=found.name
    )
    answer = StreamingHttpResponse(
        _lines(conn, found, sees), content_type="text/csv; charset=utf-8"
    )
    answer["Content-Disposition"] = f'attachment; filename="matched-{id}.csv"'
    return answer  # type: ignore[return-value]  # a response, though no HttpResponse by its class


@page(Permission.SUGGESTIONS_DECIDE, methods=("POST",))
def forget(request: Request, id: int) -> HttpResponse:
    """Take a list away."""
    _sees(request)
    found = _list(database.here(), id)
    with transaction.atomic():
        matching.forget(database.here(), id)
        audit.record(
            "matching.list_forgotten", by=request.actor, kind="matching_list", id=id,
            name=found.name,
        )  # fmt: skip
    say(request, _("%s is taken away with its rows.") % found.name)
    return redirect("insight_matching_lists")


def _sees(request: Request) -> Sight:
    sees = sight.of(request.actor)
    if sees.locations is not None:
        raise PermissionDenied("lists are held against all customers")
    return sees


def _list(conn: Connection, id: int) -> ListInfo:
    try:
        return matching.one_list(conn, id)
    except NotFound as nothing:
        raise Http404(str(nothing)) from nothing


def _shown(conn: Connection, found: ListInfo, row: ListRow, sees: Sight) -> Shown:
    customer = None
    if row.customer_id is not None:
        try:
            who = person.within_sight(conn, row.customer_id, sees)
        except Http404:
            pass  # erased since
        else:
            name = listing.called(who.display_name, who.leader, who.id, sees)
            customer = (who.id, name)
    reasons = [f"{each.words} ({each.bits:+.1f})" for each in row.evidence]
    return Shown(row.number, shown_cells(found, row.cells, sees), _words().get(row.answer, ""),
                 customer, row.probability, reasons)  # fmt: skip


def shown_cells(found: ListInfo, cells: Sequence[str], sees: Sight) -> list[str]:
    """The cells of a row, with what this reader may not see hidden; what is not known to be
    harmless by its kind counts as contact details."""
    return [
        cell if not cell or sees.everything or kind in PLAIN else HIDDEN
        for cell, kind in zip(cells, found.kinds, strict=True)
    ]


def _lines(conn: Connection, found: ListInfo, sees: Sight) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield writer.writerow(["found", "customer", "probability", "why", *map(_plain, found.headings)])
    after, words = 0, _words()
    while rows := matching.list_rows(conn, found.id, after=after, limit=AT_ONCE):
        for row in rows:
            why = "; ".join(each.words for each in row.evidence)
            sure = "" if row.probability is None else f"{row.probability:.4f}"
            cells = map(_plain, shown_cells(found, row.cells, sees))
            yield writer.writerow(
                [words.get(row.answer, ""), row.customer_id or "", sure, why, *cells]
            )
        after = rows[-1].number


def _plain(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _words() -> dict[str, str]:
    return {"same": _("this customer"), "unsure": _("unsure"), "new": _("new")}


class _Line:
    """A file that gives back what is written, for the writer of CSV."""

    def write(self, line: str) -> str:
        return line
