"""The list that every page uses: columns in Python, state in the address, rows as one scrolls.

    COLUMNS = (Column("name", _("Name"), cell=lambda e: cells.lead(e.name, url), sorts=True), ...)
    query = Query.of(request, COLUMNS, default="-volume")
    table = Table(name="events", label=_("Events"), columns=COLUMNS, query=query, rows=rows)
    return respond(request, "events/list.html", {"table": table})

The address holds sort, columns, filter and `after`; a saved view is just that address. When more
is asked for by scrolling (header X-Rows), `respond` answers with the rows alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

STATE = frozenset({"sort", "columns", "after"})


@dataclass(frozen=True, slots=True)
class Column:
    key: str
    label: str | Promise
    cell: Callable[[Any], SafeString]
    sorts: bool = False
    end: bool = False  # figures stand at the end of the line
    wrap: bool = False
    minor: bool = False  # left out on a phone
    hidden: bool = False  # not shown until chosen
    next_sort: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """A verb of the bulk bar; it posts the chosen ids as `id`."""

    label: str | Promise
    url: str
    icon: str = ""
    look: str = ""


@dataclass(frozen=True, slots=True)
class Query:
    sort: str
    descending: bool
    columns: tuple[str, ...]
    after: str
    kept: tuple[tuple[str, str], ...]  # the filter: every other value of the address

    @staticmethod
    def of(request: HttpRequest, columns: Sequence[Column], *, default: str = "") -> Query:
        """Read the address; what it may not name is left out silently."""
        given = request.GET.get("sort", "") or default
        sorts = {column.key for column in columns if column.sorts}
        if given.lstrip("-") not in sorts:
            given = default
        asked = tuple(k for ks in request.GET.getlist("columns") for k in ks.split(","))
        known = {column.key for column in columns}
        return Query(
            sort=given.lstrip("-"),
            descending=given.startswith("-"),
            columns=tuple(key for key in asked if key in known),
            after=request.GET.get("after", "")[:200],
            kept=tuple(
                (key, value)
                for key, values in request.GET.lists()
                if key not in STATE
                for value in values
                if isinstance(value, str) and value
            ),
        )

    @property
    def filtered(self) -> bool:
        return bool(self.kept)

    @property
    def words(self) -> str:
        """The whole state but the place, as it is kept in a saved view."""
        pairs = list(self.kept)
        if self.sort:
            pairs.append(("sort", ("-" if self.descending else "") + self.sort))
        pairs += [("columns", key) for key in self.columns]
        return urlencode(pairs)


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    label: str | Promise
    columns: tuple[Column, ...]
    query: Query
    rows: Sequence[Any]
    next: str = ""
    row_id: Callable[[Any], object] = field(default=lambda row: getattr(row, "id", ""))
    href: Callable[[Any], str] = field(default=lambda row: "")
    actions: tuple[Action, ...] = ()
    empty: str | SafeString = ""
    nothing_fits: str | Promise = ""
    note: str | Promise = ""
    cards: bool = True

    @property
    def shown(self) -> list[Column]:
        """The columns that stand, each knowing which order a press on its head asks for."""
        chosen = [
            column
            for column in self.columns
            if (column.key in self.query.columns if self.query.columns else not column.hidden)
        ] or list(self.columns)
        return [replace(column, next_sort=self._next_sort(column)) for column in chosen]

    @property
    def body(self) -> SafeString:
        """The rows. Written here: a template takes three times as long for hundreds of cells."""
        shown = [(column, _opening(column)) for column in self.shown]
        parts: list[str] = []
        for row in self.rows:
            href = self.href(row)
            parts.append(format_html('<tr data-href="{}">', href) if href else "<tr>")
            if self.actions:
                parts.append(format_html(_PICK, self.row_id(row), _("Choose")))
            for column, opening in shown:
                parts += (opening, conditional_escape(column.cell(row)), "</td>")
            parts.append("</tr>")
        return SafeString("".join(parts))

    @property
    def span(self) -> int:
        return len(self.shown) + bool(self.actions)

    def _next_sort(self, column: Column) -> str:
        if column.key != self.query.sort:
            return ("-" if column.end else "") + column.key
        return column.key if self.query.descending else "-" + column.key


def respond(
    request: HttpRequest, template: str, context: Mapping[str, Any], *, table: str = "table"
) -> HttpResponse:
    """The page; or its next rows, when scrolling asks for them."""
    if request.headers.get("X-Rows"):
        return render(request, "ui/table_rows.html", {"table": context[table]})
    return render(request, template, dict(context))


_PICK = (
    '<td class="pick"><input type="checkbox" name="id" value="{}" data-pick aria-label="{}"></td>'
)


def _opening(column: Column) -> str:
    shape = " ".join(word for word in ("end" * column.end, "wrap" * column.wrap) if word)
    minor = " data-minor" if column.minor else ""
    return f'<td class="{shape}"{minor}>' if shape else f"<td{minor}>"
