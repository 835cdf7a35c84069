"""One table of everything that is captured: who uses it, what it costs, for what it may be used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from touchloop.console import database
from touchloop.console.insight.motion import words
from touchloop.console.insight.tabs import tabs
from touchloop.console.pages import Request, page
from touchloop.console.ui import cells, charts
from touchloop.console.ui.charts import Chart
from touchloop.console.ui.tables import Column, Query, Table
from touchloop.console.ui.words import percent
from touchloop.core import clock
from touchloop.core.access import Permission
from touchloop.insight.motion import api as motion
from touchloop.insight.motion.api import Day, Row

ROWS = 100
NAMED = 3  # uses in a row; the others fold out
PURPOSES: tuple[tuple[str, Any], ...] = (
    ("service", gettext_lazy("Service")),
    ("marketing", gettext_lazy("Marketing")),
    ("profile", gettext_lazy("Profile")),
)


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the table, and the day that says what consent allows."""

    row: Row
    day: Day

    @property
    def id(self) -> str:
        return f"{self.row.kind}:{self.row.name}"


@page(Permission.INSIGHT_VIEW)
def show(request: Request) -> HttpResponse:
    """Everything that is captured, or what fits the filter."""
    conn = database.here()
    query = Query.of(request, COLUMNS, default="-bytes")
    day = motion.latest(conn)
    context: dict[str, Any] = {"tabs": tabs("motion"), "day": day}
    if day is None:
        return charts.drawn(request, "insight/motion/list.html", context)
    every = motion.rows(conn, now=clock.now())
    of_kind = [row for row in every if _fits(request, row, "kind", row.kind)]
    found = [row for row in of_kind if _fits(request, row, "state", row.state)]
    asked = request.GET.get("q", "").strip().casefold()
    found = [row for row in found if asked in row.name.casefold()]
    found.sort(key=lambda row: (_SORTS[query.sort](row), row.name), reverse=query.descending)
    start = next((n + 1 for n, row in enumerate(found) if _key(row) == query.after), 0)
    shown = found[start : start + ROWS]
    context["table"] = Table(
        name="motion",
        label=_("What is captured"),
        columns=COLUMNS,
        query=query,
        rows=[Line(row, day) for row in shown],
        next=_key(shown[-1]) if start + ROWS < len(found) else "",
        nothing_fits=_("Take a filter away, or search by another word."),
        empty=_("Nothing has been captured yet."),
        note=_(
            "Bytes: the tables' and the lake's real sizes, shared out by a sample of the log."
            " Service, marketing, profile: the share of customers whose choices allow that use."
        ),
    )
    states = Counter[str](row.state for row in of_kind)
    kinds = Counter(row.kind for row in every)
    context |= {
        "states": [(key, word, states[key]) for key, (word, _t) in words.STATES.items()],
        "kinds": [(key, word, kinds[key]) for key, word in words.KINDS.items()],
        "total": len(every),
        "share": percent(day.share),
        "bytes_share": percent(day.bytes_in_use / day.bytes if day.bytes else None),
        "size": words.size(day.bytes),
        "idle": words.size(day.bytes - day.bytes_in_use),
    }
    return charts.drawn(
        request, "insight/motion/list.html", context, _bar(every), _trend(motion.days(conn))
    )


def _fits(request: Request, row: Row, name: str, value: str) -> bool:
    return request.GET.get(name, "") in ("", value)


def _key(row: Row) -> str:
    return f"{row.kind}:{row.name}"


def _bar(every: Sequence[Row]) -> Chart | None:
    """Bytes by kind, in use beside idle."""
    counted: Counter[tuple[str, str]] = Counter()
    for row in every:
        if row.kind in motion.COUNTED:
            counted[row.kind, row.state] += row.own_bytes
    total = sum(counted.values())
    if not total:
        return None
    used = sum(size for (_kind, state), size in counted.items() if state == "in_use")
    kinds = [kind for kind in words.KINDS if kind in motion.COUNTED]
    tones = {"in_use": "experience", "hibernating": "engage", "never": "muted"}
    series = [
        {
            "type": "bar", "stack": "all", "name": str(word), "tone": tones[state],
            "data": [
                {
                    "value": counted[kind, state] / (1 << 20),
                    "url": f"?kind={kind}&state={state}",
                    "tip": [f"{words.KINDS[kind]}, {word}", words.size(counted[kind, state])],
                }
                for kind in kinds
            ],
        }
        for state, (word, _tone) in words.STATES.items()
    ]  # fmt: skip
    return Chart(
        id="bytes",
        title=_("%(used)s of %(total)s are in use, %(idle)s hibernate")
        % {
            "used": words.size(used), "total": words.size(total),
            "idle": words.size(total - used),
        },
        note=_("in MB; each byte counted once"),
        option={
            "xAxis": {"type": "value", "axisLabel": {"formatter": "short"}},
            "yAxis": {
                "type": "category", "inverse": True, "data": [str(words.KINDS[k]) for k in kinds],
            },
            "series": series,
        },
        columns=[(_("Kind"), "text"), *(str(word) for word, _tone in words.STATES.values())],
        rows=[
            [str(words.KINDS[kind]), *(counted[kind, state] for state in words.STATES)]
            for kind in kinds
        ],
        size="small",
    )  # fmt: skip


def _trend(days: Sequence[Day]) -> Chart | None:
    told = [(each, each.share) for each in days if each.share is not None]
    if len(told) < 2:
        return None
    return Chart(
        id="share",
        title=_("In use: %(then)s then, %(now)s now")
        % {"then": percent(told[0][1]), "now": percent(told[-1][1])},
        option={
            "xAxis": {"type": "time"},
            "yAxis": {"type": "value", "min": 0, "max": 1, "axisLabel": {"formatter": "percent"}},
            "series": [
                {
                    "type": "line", "name": _("in use"), "tone": "record",
                    "valueFormatter": "percent",
                    "data": [[each.at.isoformat(), share] for each, share in told],
                }
            ],
        },
        columns=[(_("Day"), "text"), (_("In use"), "percent"), _("Things"), _("Bytes")],
        rows=[[each.at.date(), share, each.items, each.bytes] for each, share in told],
        size="small",
    )  # fmt: skip


def _named(line: Line) -> SafeString:
    row = line.row
    name = format_html("<bdi>{}</bdi>", row.label)
    url = words.own_page(row)
    lead = format_html('<a class="lead" href="{}">{}</a>', url, name) if url else name
    if not row.parent:
        return lead
    return format_html('{} <small class="quiet"><bdi>{}</bdi></small>', lead, row.parent)


def _state(line: Line) -> SafeString:
    word, tone = words.STATES[line.row.state]
    return cells.badge(word, tone=tone)


def _uses(line: Line) -> SafeString:
    told = dict.fromkeys(words.used_by(use) for use in line.row.uses)
    if not told:
        return cells.quiet("")
    written = [
        format_html('<a href="{}"><bdi>{}</bdi></a>', url, said)
        if url
        else format_html("<bdi>{}</bdi>", said)
        for said, url in told
    ]
    first = format_html_join(", ", "{}", ((each,) for each in written[:NAMED]))
    rest = written[NAMED:]
    if not rest:
        return first
    more = _("and %(n)d more") % {"n": len(rest)}
    folded = format_html_join(", ", "{}", ((each,) for each in rest))
    return format_html("{} <details><summary>{}</summary>{}</details>", first, more, folded)


def _last(line: Line) -> SafeString:
    uses = line.row.uses
    return cells.when(max(use.last_used for use in uses)) if uses else cells.quiet("")


def _allowed(purpose: str) -> Callable[[Line], SafeString]:
    def cell(line: Line) -> SafeString:
        share = motion.share_allowed(line.day, line.row.category, purpose)
        return cells.quiet("" if share is None else percent(share))

    return cell


_SORTS: dict[str, Callable[[Row], Any]] = {
    "name": lambda row: row.name.casefold(),
    "bytes": lambda row: row.bytes,
    "volume": lambda row: row.volume,
    "used": lambda row: len(row.uses),
}

COLUMNS = (
    Column("name", gettext_lazy("Captured"), cell=_named, sorts=True, wrap=True),
    Column("kind", gettext_lazy("Kind"), cell=lambda line: cells.quiet(words.KINDS[line.row.kind])),
    Column("state", gettext_lazy("State"), cell=_state),
    Column("used", gettext_lazy("Used by"), cell=_uses, sorts=True, wrap=True),
    Column("last", gettext_lazy("Last used"), cell=_last, minor=True),
    Column(
        "volume", gettext_lazy("Times"), end=True, sorts=True, minor=True,
        cell=lambda line: cells.figure(line.row.volume),
    ),
    Column(
        "bytes", gettext_lazy("Costs"), end=True, sorts=True,
        cell=lambda line: cells.text(words.size(line.row.bytes)),
    ),
    *(
        Column(purpose, label, cell=_allowed(purpose), end=True, minor=True)
        for purpose, label in PURPOSES
    ),
)  # fmt: skip
