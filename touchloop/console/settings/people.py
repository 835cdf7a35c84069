"""Settings → People: who may sign in, in which role, for which stores."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from touchloop.console.pages import Request, page, say, with_drawer
from touchloop.console.ui import cells
from touchloop.console.ui.tables import Column, Query, Table, respond
from touchloop.core import access
from touchloop.core.access import Permission
from touchloop.core.accounts import api as accounts
from touchloop.core.accounts.api import Person
from touchloop.core.accounts.models import Role
from touchloop.core.errors import Invalid

ROLE_WORDS = {
    "admin": gettext_lazy("Everything, with people and keys"),
    "marketer": gettext_lazy("Customers, segments, exports; no proof of consent, no keys"),
    "service": gettext_lazy("Customers with contact details, consent, merges; no segments to edit"),
    "analyst": gettext_lazy("Figures and segments; customers without contact details"),
    "store_manager": gettext_lazy("Customers of their own stores only"),
}
COLUMNS = (
    Column(
        "name",
        gettext_lazy("Name"),
        cell=lambda p: cells.lead(p.name or p.email, _url(p), drawer=True),
    ),
    Column("email", gettext_lazy("E-mail"), cell=lambda p: cells.quiet(p.email)),
    Column("role", gettext_lazy("Role"), cell=lambda p: cells.badge(Role(p.role).label)),
    Column(
        "locations",
        gettext_lazy("Stores"),
        cell=lambda p: cells.quiet(", ".join(p.locations)),
        minor=True,
    ),
    Column("state", gettext_lazy("Sign-in"), cell=lambda p: _state(p)),
)


@page(Permission.PEOPLE_MANAGE)
def show(request: Request) -> HttpResponse:
    template, context = _list(request)()
    return respond(request, template, context)


@page(Permission.PEOPLE_MANAGE, methods=("GET", "POST"), fresh=True)
def add(request: Request) -> HttpResponse:
    given: dict[str, Any] = {"role": "service"}
    error: Invalid | None = None
    if request.method == "POST":
        given = _given(request)
        try:
            _check_grant(request, given["role"])
            person, password = accounts.create_user(
                given["email"],
                given["role"],
                name=given["name"],
                locations=given["locations"],
                actor=request.actor,
            )
        except Invalid as problem:
            error = problem
        else:
            return _show_password(request, person, password)
    context = _form(given, error) | {"add": True}
    return with_drawer(request, _list(request), "settings/person.html", context)


@page(Permission.PEOPLE_MANAGE, methods=("GET", "POST"), fresh=True)
def one(request: Request, person_id: int) -> HttpResponse:
    person = _person(person_id)
    given: dict[str, Any] = {
        "name": person.name,
        "role": person.role,
        "locations": person.locations,
        "is_active": person.is_active,
    }
    error: Invalid | None = None
    if request.method == "POST":
        given = _given(request) | {"is_active": "is_active" in request.POST}
        given.pop("email")
        try:
            _check_grant(request, given["role"])
            accounts.change_person(person_id, actor=request.actor, **given)
        except Invalid as problem:
            error = problem
        else:
            say(request, _("Saved %s.") % (given["name"] or person.email))
            return redirect("settings_people")
    context = _form(given, error) | {"person": person}
    return with_drawer(request, _list(request), "settings/person.html", context)


@page(Permission.PEOPLE_MANAGE, methods=("POST",), fresh=True)
def new_password(request: Request, person_id: int) -> HttpResponse:
    person = _person(person_id)
    password = accounts.reset_password(person_id, actor=request.actor)
    return _show_password(request, person, password)


def _show_password(request: Request, person: Person, password: str) -> HttpResponse:
    """Once, on the answer itself: the password is kept nowhere in the clear."""
    context = {"person": person, "password": password, "back": reverse("settings_people")}
    return with_drawer(request, _list(request), "settings/password.html", context)


def _list(request: Request) -> Callable[[], tuple[str, Mapping[str, Any]]]:
    def page() -> tuple[str, Mapping[str, Any]]:
        table = Table(
            name="people",
            label=_("People"),
            columns=COLUMNS,
            query=Query.of(request, COLUMNS),
            rows=accounts.people(),
            href=_url,
        )
        crumbs = [(_("People"), "")]
        return "settings/people.html", {"table": table, "tab": "people", "crumbs": crumbs}

    return page


def _form(given: Mapping[str, Any], error: Invalid | None) -> dict[str, Any]:
    return {
        "given": given,
        "given_locations": ", ".join(given.get("locations", ())),
        "errors": {error.field: error.message} if error else {},
        "roles": [(value, label, ROLE_WORDS[value]) for value, label in Role.choices],
        "back": reverse("settings_people"),
    }


def _given(request: Request) -> dict[str, Any]:
    post = request.POST
    places = (place.strip() for place in post.get("locations", "").split(","))
    return {
        "email": post.get("email", ""),
        "name": post.get("name", "").strip()[:120],
        "role": post.get("role", ""),
        "locations": [place for place in places if place],
    }


def _check_grant(request: Request, role: str) -> None:
    if not access.may_grant(request.actor, role):
        raise Invalid("role", _("You cannot give a role that may do more than you."))


def _person(person_id: int) -> Person:
    person = accounts.person(person_id)
    if person is None:
        raise Http404
    return person


def _url(person: Person) -> str:
    return reverse("person", args=[person.id])


def _state(person: Person) -> SafeString:
    if person.is_active:
        return cells.badge(_("open"), tone="experience")
    return cells.badge(_("switched off"))
