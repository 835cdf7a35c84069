"""Templates: the list, their versions, and writing one with a preview as any customer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from touchloop.channels import api as channels
from touchloop.channels.api import Which
from touchloop.console import database
from touchloop.console.customers import person, sight
from touchloop.console.customers.views import search
from touchloop.console.messages import framing, mail, room, words
from touchloop.console.messages.mail import Draft, Template
from touchloop.console.pages import Request, page, say
from touchloop.console.ui import cells
from touchloop.console.ui.tables import Column, Query, Table, respond
from touchloop.core import audit, clock
from touchloop.core.access import Permission
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid, NotFound
from touchloop.profiles.api import Customer

FOUND = 6
LONGEST_DATA = 20_000
START = """<mjml>
  <mj-body>
    <mj-section>
      <mj-column>
        <mj-text>Hello {{ customer.first_name | default: "there" }},</mj-text>
        <mj-text>{{ offer.text }}</mj-text>
        <mj-button href="https://example.com/">Have a look</mj-button>
      </mj-column>
    </mj-section>
  </mj-body>
</mjml>
"""

COLUMNS = (
    Column("name", gettext_lazy("Template"), wrap=True, cell=lambda row: _name(row)),
    Column(
        "kind",
        gettext_lazy("Kind"),
        cell=lambda row: cells.text(words.KINDS.get(row.kind, row.kind)),
    ),
    Column("topic", gettext_lazy("Topic"), minor=True, cell=lambda row: cells.quiet(row.topic)),
    Column(
        "subject",
        gettext_lazy("Subject"),
        wrap=True,
        minor=True,
        cell=lambda row: cells.quiet(row.subject[:120]),
    ),
    Column(
        "version", gettext_lazy("Version"), end=True, cell=lambda row: cells.figure(row.version)
    ),
    Column("made", gettext_lazy("Changed"), end=True, cell=lambda row: cells.when(row.made_at)),
)


@page(Permission.MESSAGES_VIEW)
def listed(request: Request) -> HttpResponse:
    """The newest version of each."""
    conn = database.here()
    table = Table(
        name="templates",
        label=_("Templates"),
        columns=COLUMNS,
        query=Query.of(request, COLUMNS),
        rows=mail.listing(conn),
        href=lambda row: reverse("template", args=[row.slug]),
        empty=SafeString(render_to_string("messages/no_template.html", {}, request)),
    )
    context = {"table": table, "tabs": room.tabs(conn, "templates")}
    return respond(request, "messages/templates.html", context)


@page(Permission.MESSAGES_VIEW)
def template(request: Request, slug: str) -> HttpResponse:
    """One template: a version as it looks, and the versions there were."""
    conn = database.here()
    versions = history(conn, slug)
    shown = _version(versions, request.GET.get("version", ""))
    reader = _reader(request, conn)
    context = {
        "template": shown,
        "newest": versions[0],
        "versions": versions,
        "tabs": room.tabs(conn, "templates"),
        "crumbs": [(_("Templates"), reverse("templates")), (shown.name[:80], "")],
        "reader": reader,
        "reader_name": _called(conn, reader, request),
        "kind": words.KINDS.get(shown.kind, shown.kind),
        "frame": _frame_address(shown, reader),
        "sent": f"{reverse('outbox')}?template={shown.slug}",
    }
    return framing.holding(request, render(request, "messages/template.html", context))


@page(Permission.MESSAGES_VIEW)
def frame(request: Request, slug: str) -> HttpResponse:
    """A version as one customer would get it: what stands in the frame."""
    conn = database.here()
    shown = _version(history(conn, slug), request.GET.get("version", ""))
    draft = _draft_of(shown)
    return _shown(conn, draft, _reader(request, conn), _last_data(conn, slug), request.GET)


@page(Permission.MESSAGES_EDIT, methods=("GET", "POST"))
def new(request: Request) -> HttpResponse:
    """A template that is not there yet."""
    if request.method != "POST":
        return _form(request, Draft("", START, topic="offers"), slug="", name="")
    return _saved(request, request.POST.get("slug", "").strip())


@page(Permission.MESSAGES_EDIT, methods=("GET", "POST"))
def edit(request: Request, slug: str) -> HttpResponse:
    """A new version of one that is there."""
    conn = database.here()
    newest = history(conn, slug)[0]
    if request.method != "POST":
        return _form(request, _draft_of(newest), slug=slug, name=newest.name, found=newest)
    return _saved(request, slug, found=newest)


@page(Permission.MESSAGES_EDIT, methods=("POST",))
def preview(request: Request) -> HttpResponse:
    """What is being written, as one customer would get it: what stands in the frame."""
    conn = database.here()
    try:
        data = msgspec.json.decode(request.POST.get("data", "").strip()[:LONGEST_DATA] or "{}")
        if not isinstance(data, Mapping):
            raise msgspec.DecodeError("an object in braces is expected")
    except (msgspec.DecodeError, RecursionError) as wrong:
        return framing.sheet(_("The example values are not JSON: %s") % wrong)
    return _shown(conn, _draft(request), _reader(request, conn), data, request.POST)


@page(Permission.CUSTOMERS_VIEW)
def readers(request: Request) -> HttpResponse:
    """Customers to preview as."""
    asked = request.GET.get("q", "")[:200]
    found = search(request.actor, asked, limit=FOUND)
    return render(request, "messages/readers.html", {"found": found, "words": asked})


def history(conn: Connection, slug: str) -> list[Template]:
    """All versions, the newest first. Raises Http404."""
    try:
        return mail.history(conn, slug)
    except NotFound as missing:
        raise Http404(str(missing)) from missing


def _saved(request: Request, slug: str, *, found: Template | None = None) -> HttpResponse:
    conn, draft = database.here(), _draft(request)
    name = " ".join(request.POST.get("name", "").replace("\0", "").split())[:200]
    try:
        with transaction.atomic():
            made = mail.save(conn, draft, slug=slug, name=name, by=request.actor.id)
            if found is None and made.version > 1:
                raise Invalid("slug", _("There is a template of this name already."))
            audit.record(
                "template.saved", by=request.actor, kind="template", id=slug, name=made.name,
                before={"version": found.version, "subject": found.subject} if found else None,
                after={"version": made.version, "subject": made.subject},
            )  # fmt: skip
    except Invalid as wrong:
        return _form(request, draft, slug=slug, name=name, found=found, wrong=wrong)
    say(request, _("Version %(n)d of %(name)s is kept.") % {"n": made.version, "name": made.name})
    return redirect("template", slug)


def _form(
    request: Request,
    draft: Draft,
    *,
    slug: str,
    name: str,
    found: Template | None = None,
    wrong: Invalid | None = None,
) -> HttpResponse:
    conn = database.here()
    data = (
        request.POST.get("data")
        or msgspec.json.format(msgspec.json.encode(_last_data(conn, slug)), indent=2).decode()
    )
    context = {
        "draft": draft,
        "slug": slug,
        "name": name,
        "found": found,
        "wrong": wrong,
        "errors": {wrong.field: wrong.message} if wrong else {},
        "data": data,
        "tabs": room.tabs(conn, "templates"),
        "crumbs": [(_("Templates"), reverse("templates")), (name[:80] or _("New template"), "")],
        "kinds": list(words.KINDS.items()),
        "markups": [("mjml", "MJML"), ("html", "HTML")],
        "topics": [(each.slug, each.name, each.sentence) for each in mail.topics(conn)],
    }
    response = render(request, "messages/template_form.html", context, status=400 if wrong else 200)
    return framing.holding(request, response)


def _shown(
    conn: Connection,
    draft: Draft,
    reader: Customer | None,
    data: Mapping[str, Any],
    asked: Mapping[str, str],
) -> HttpResponse:
    try:
        made = mail.preview(
            conn, draft, customer_id=reader.id if reader else None, data=data, now=clock.now()
        )
    except Invalid as wrong:
        return framing.sheet(
            _("%(field)s: %(words)s") % {"field": wrong.field, "words": wrong.message}
        )
    if asked.get("part") == "text":
        return framing.sheet(f"{_('Subject')}: {made.subject}\n\n{made.text}")
    return framing.framed(made.html)


def _draft(request: Request) -> Draft:
    given = request.POST
    return Draft(
        subject=given.get("subject", "").replace("\0", ""),
        body=given.get("body", "").replace("\0", ""),
        text=given.get("text", "").replace("\0", ""),
        markup=given.get("markup", "mjml"),
        kind=given.get("kind", ""),
        topic=given.get("topic", "").strip(),
        language=given.get("language", "en").strip()[:12] or "en",
    )


def _draft_of(one: Template) -> Draft:
    return Draft(one.subject, one.body, one.text, one.markup, one.kind, one.topic, one.language)


def _version(versions: list[Template], asked: str) -> Template:
    if not asked:
        return versions[0]
    found = next((each for each in versions if str(each.version) == asked), None)
    if found is None:
        raise Http404
    return found


def _reader(request: Request, conn: Connection) -> Customer | None:
    """The customer to preview as; somebody out of sight is nobody."""
    id = room.number((request.POST or request.GET).get("customer", ""))
    if id is None:
        return None
    try:
        return person.within_sight(conn, id, sight.of(request.actor))
    except Http404:
        return None


def _called(conn: Connection, reader: Customer | None, request: Request) -> str:
    if reader is None:
        return ""
    return room.called(conn, [reader.id], sight.of(request.actor)).get(reader.id, "")


def _last_data(conn: Connection, slug: str) -> dict[str, Any]:
    """The values that the template was last used with."""
    last = channels.deliveries(conn, Which(template=slug), limit=1) if slug else []
    return dict(last[0].data) if last else {}


def _frame_address(shown: Template, reader: Customer | None) -> str:
    who = f"&customer={reader.id}" if reader else ""
    return f"{reverse('template_frame', args=[shown.slug])}?version={shown.version}{who}"


def _name(row: Template) -> SafeString:
    return format_html(
        '<a class="lead" href="{}"><bdi>{}</bdi></a> <small class="mono">{}</small>',
        reverse("template", args=[row.slug]),
        row.name[:120],
        row.slug,
    )
