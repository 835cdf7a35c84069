"""Charts as pages hand them to `{% ui "chart_frame" chart=charts.size %}`.

A page says what is drawn as plain ECharts JSON, and this house adds the rest at draw time
(frontend/js/plot.js): type, axes, dark mode, tooltips, redraw on resize. In the option

- a colour is a tone: "record", "engage", "experience", "danger", "accent", "muted", "ink",
  "line", "surface", or one of these with "-wash"; `"tone": "record"` on a series or a datum is
  short for its colour. Without one, series take the tones in turn;
- a formatter is a name: "figure", "short", "percent" (of 0..1), "points" (0..1, signed),
  "signed", "money", "days", "date", "month", "plain", on an axis label, a label, or as
  `valueFormatter` of a series (what the tooltip writes);
- `"url"` on a datum (a node, an edge) opens it; `"tip": ["a line", …]` is what its tooltip says;
- series types besides line, bar, scatter, heatmap, graph: "interval" (data [at, low, high];
  lies along the axis that is not a category) and "band" (data [[x, low, high], …]);
- lines differ by dash and symbol and bars by pattern, never by hue alone;
- `"narrow": {…}` is laid over the option where the figure is narrower than 560 px.

    charts.drawn(request, "insight/value/grid.html", {...}, Chart(id="grid", title=…, …))

draws the page with `charts.grid`, and answers `?csv=grid` with the rows of its table as a file.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from django.http import HttpResponse
from django.utils import formats
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString

from touchloop.console.pages import Request
from touchloop.console.ui import words
from touchloop.console.ui.tables import respond

Size = Literal["", "small", "tall", "large"]  # 240 px; 160, 360, 520
Form = Literal["text", "figure", "percent", "points", "signed", "money"]
Column = str | tuple[str, Form]  # its head, and how its values are written ("figure" by itself)

_MINUS = "\N{MINUS SIGN}"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would run


@dataclass(frozen=True, slots=True)
class Lead:
    """A cell that leads somewhere, usually to the customers behind it."""

    value: object
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A figure with its finding, its n, and its table behind it.

    `id` is an identifier, unique on the page. `title` says the finding in words. `rows` are the
    same figures as drawn, one sequence for each row, cells plain values or `Lead`. `simulated`
    and `inferred` hang the hatched badge on it. `csv_href` is set by `drawn`.
    """

    id: str
    title: str
    option: Mapping[str, Any]
    columns: Sequence[Column]
    rows: Sequence[Sequence[object]]
    n: int | None = None
    note: str = ""
    csv_href: str = ""
    simulated: bool = False
    inferred: bool = False
    size: Size = ""
    open: bool = False  # the table stands open

    def __post_init__(self) -> None:
        if not self.id.isidentifier():
            raise ValueError(f"chart id {self.id!r} is not an identifier")

    @property
    def drawing(self) -> Any:
        """The option as the page carries it: JSON only, no NaN, no types of libraries."""
        return _plain(self.option)

    @property
    def heads(self) -> list[tuple[str, bool]]:
        """Head and whether it stands at the end (numbers do)."""
        return [
            (_label(column), self._is_number(place)) for place, column in enumerate(self.columns)
        ]

    @property
    def cells(self) -> Iterator[list[tuple[SafeString, bool]]]:
        ends = [end for _head, end in self.heads]
        for row in self.rows:
            yield [
                (_shown(value, _form(column)), end)
                for value, column, end in zip(row, self.columns, ends, strict=True)
            ]

    def file(self) -> str:
        """The table as CSV: plain values, and nothing that a spreadsheet would run."""
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(_harmless(_label(column)) for column in self.columns)
        for row in self.rows:
            writer.writerow(_harmless(_value(cell)) for cell in row)
        return out.getvalue()

    def _is_number(self, place: int) -> bool:
        values = [_value(row[place]) for row in self.rows]
        return any(_number(value) for value in values) and all(
            value is None or _number(value) for value in values
        )


def drawn(
    request: Request, template: str, context: Mapping[str, Any], *charts: Chart | None
) -> HttpResponse:
    """Draw a page with `charts` by id in its context, or answer `?csv=<id>` with its rows."""
    there = [chart for chart in charts if chart is not None]
    wanted = request.GET.get("csv", "")
    for chart in there:
        if chart.id == wanted:
            answer = HttpResponse(chart.file(), content_type="text/csv; charset=utf-8")
            answer["Content-Disposition"] = f'attachment; filename="{chart.id}.csv"'
            return answer
    hung = {
        chart.id: chart if chart.csv_href else replace(chart, csv_href=_here(request, chart.id))
        for chart in there
    }
    return respond(request, template, {**context, "charts": hung})


def _here(request: Request, id: str) -> str:
    query = request.GET.copy()
    query["csv"] = id
    return f"{request.path}?{query.urlencode()}"


def _label(column: Column) -> str:
    return str(column if isinstance(column, str | Promise) else column[0])


def _form(column: Column) -> Form:
    return "figure" if isinstance(column, str | Promise) else column[1]


def _value(cell: object) -> object:
    return cell.value if isinstance(cell, Lead) else cell


def _number(value: object) -> bool:
    if hasattr(value, "item"):
        value = value.item()
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _shown(cell: object, form: Form) -> SafeString:
    text = _written(_value(cell), form)
    if isinstance(cell, Lead) and cell.url:
        return format_html('<a href="{}"><bdi>{}</bdi></a>', cell.url, text)
    return format_html("<bdi>{}</bdi>", text)


def _written(value: Any, form: Form) -> str:
    if value is None or value == "":
        return words.DASH
    if isinstance(value, date):
        return formats.date_format(value, "DATE_FORMAT")
    value = _plain(value)
    if value is None or form == "text" or not _number(value):
        return words.DASH if value is None else str(value)
    if form == "percent":
        return words.percent(value)
    if form == "points":
        return _signed(value, f"{words.rounded(abs(100 * value), 1)} %")
    if form == "money":
        return words.rounded(value, 2, grouped=True)
    if form == "signed":
        return _signed(value, words.figure(abs(value)))
    return words.figure(value)


def _signed(value: float, text: str) -> str:
    return f"{_MINUS if value < 0 else '+'}{text}" if value else text


def _harmless(value: object) -> object:
    if isinstance(value, str | Promise):
        text = str(value)
        return f"'{text}" if text.startswith(_FORMULA) else text
    return _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, str | Promise):
        return str(value)
    if isinstance(value, Sequence) or bool(getattr(value, "ndim", 0)):
        return [_plain(each) for each in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value
