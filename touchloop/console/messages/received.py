"""The demo's inbox: what customers would have got, as its mail server took it in."""

from __future__ import annotations

from html.parser import HTMLParser

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from touchloop.console import database
from touchloop.console.customers import sight
from touchloop.console.messages import framing, mail, room
from touchloop.console.messages.mail import Kept
from touchloop.console.pages import Request, page
from touchloop.console.ui import cells
from touchloop.console.ui.tables import Column, Query, Table, respond
from touchloop.core.access import Permission
from touchloop.core.db import Connection

ROWS = 50
LINKS = 20

COLUMNS = (
    Column("subject", gettext_lazy("Subject"), wrap=True, cell=lambda row: _subject(row)),
    Column("to", gettext_lazy("To"), cell=lambda row: cells.quiet(row.recipient[:80])),
    Column("at", gettext_lazy("Received"), end=True, cell=lambda row: cells.when(row.at)),
)
MASKED = (COLUMNS[0], COLUMNS[2])


@page(Permission.MESSAGES_VIEW)
def inbox(request: Request) -> HttpResponse:
    """The newest first."""
    conn, sees = database.here(), sight.of(request.actor)
    columns = COLUMNS if sees.contact else MASKED
    query = Query.of(request, columns)
    found = mail.received(conn, before=room.number(query.after) or 0, limit=ROWS + 1)
    table = Table(
        name="inbox",
        label=_("Received messages"),
        columns=columns,
        query=query,
        rows=found[:ROWS],
        next=str(found[ROWS - 1].id) if len(found) > ROWS else "",
        href=lambda row: reverse("received", args=[row.id]),
        empty=_("Nothing has arrived yet."),
    )
    context = {"table": table, "tabs": room.tabs(conn, "inbox")}
    return respond(request, "messages/inbox.html", context)


@page(Permission.MESSAGES_VIEW)
def one(request: Request, id: int) -> HttpResponse:
    """One message as it was received."""
    conn, sees = database.here(), sight.of(request.actor)
    found = _one(conn, id)
    context = {
        "mail": found,
        "to": room.address(found.recipient, sees),
        "tabs": room.tabs(conn, "inbox"),
        "crumbs": [(_("Demo inbox"), reverse("demo_inbox")), (found.subject[:80], "")],
        "links": _links(found.html) if sees.contact else [],
        "headers": found.headers if sees.contact else (),
        "frame": reverse("received_frame", args=[id]),
    }
    return framing.holding(request, render(request, "messages/received.html", context))


@page(Permission.MESSAGES_VIEW)
def frame(request: Request, id: int) -> HttpResponse:
    """Its HTML or its plain text: what stands in the frame."""
    found = _one(database.here(), id)
    if request.GET.get("part") == "text" or not found.html:
        return framing.sheet(found.text)
    return framing.framed(found.html)


def _one(conn: Connection, id: int) -> Kept:
    found = mail.one_received(conn, room.large(id))
    if found is None:
        raise Http404
    return found


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: dict[str, None] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if tag == "a" and name == "href" and value and framing.safe_link(value):
                self.found[value] = None


def _links(html: str) -> list[str]:
    """Where the message leads, to be opened by who wants to walk on as the customer."""
    reader = _Links()
    reader.feed(html)
    reader.close()
    return list(reader.found)[:LINKS]


def _subject(row: Kept) -> SafeString:
    return format_html(
        '<a class="lead" href="{}"><bdi>{}</bdi></a>',
        reverse("received", args=[row.id]),
        row.subject[:160] or _("(no subject)"),
    )
