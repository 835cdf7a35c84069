"""Settings → Audit: what staff did, and whether the chain still holds."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from touchloop.console.pages import Request, page
from touchloop.console.ui import cells
from touchloop.console.ui.tables import Column, Query, Table, respond
from touchloop.core import audit
from touchloop.core.access import Permission
from touchloop.core.accounts import api as accounts
from touchloop.core.audit import Entry

PAGE = 50
ACTS = {
    "person": gettext_lazy("People"),
    "organisation": gettext_lazy("Organisation"),
    "source": gettext_lazy("Sources"),
    "held": gettext_lazy("Dead letters"),
    "identity": gettext_lazy("Merges"),
    "segment": gettext_lazy("Segments"),
    "campaign": gettext_lazy("Campaigns"),
    "trigger": gettext_lazy("Triggers"),
    "template": gettext_lazy("Templates"),
    "contact_policy": gettext_lazy("Contact policy"),
    "customer": gettext_lazy("Customers"),
    "consent": gettext_lazy("Consent"),
}
COLUMNS = (
    Column("at", gettext_lazy("When"), cell=lambda e: cells.when(e.at)),
    Column("actor", gettext_lazy("Who"), cell=lambda e: cells.text(e.actor or _("the system"))),
    Column("act", gettext_lazy("What"), cell=lambda e: cells.code(e.act)),
    Column("object", gettext_lazy("Of what"), cell=lambda e: cells.text(e.name or e.object_id)),
    Column("change", gettext_lazy("Before → after"), cell=lambda e: _change(e), wrap=True),
)


@page(Permission.AUDIT_VIEW)
def show(request: Request) -> HttpResponse:
    query = Query.of(request, COLUMNS)
    act = request.GET.get("act", "")
    who = request.GET.get("who", "")
    found = audit.entries(
        act=act if act in ACTS else "",
        actor_id=int(who) if who.isdecimal() else None,
        before_id=int(query.after) if query.after.isdecimal() else None,
        limit=PAGE + 1,
    )
    table = Table(
        name="audit",
        label=_("Audit trail"),
        columns=COLUMNS,
        query=query,
        rows=found[:PAGE],
        next=str(found[PAGE - 1].id) if len(found) > PAGE else "",
    )
    if request.GET.get("check"):
        return render(request, "settings/audit_check.html", {"check": audit.verify()})
    context = {
        "table": table,
        "tab": "audit",
        "crumbs": [(_("Audit"), "")],
        "acts": list(ACTS.items()),
        "act": act,
        "who": who,
        "people": [(str(p.id), p.name or p.email) for p in accounts.people()],
    }
    return respond(request, "settings/audit.html", context)


def _change(entry: Entry) -> SafeString:
    before, after = entry.before or {}, entry.after or {}
    parts = [
        format_html(
            '<span class="quiet">{}</span> {}{}',
            key,
            format_html("<del>{}</del> → ", before[key]) if key in before else "",
            after.get(key, _("removed")),
        )
        for key in {**before, **after}
        if before.get(key) or after.get(key) not in (None, [], {}, "")
    ]
    return SafeString(", ".join(parts))
