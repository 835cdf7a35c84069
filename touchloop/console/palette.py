"""Search and commands (Ctrl/Cmd+K): rooms, things to do, and customers by any identifier."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from touchloop.console import nav
from touchloop.console.customers.views import search
from touchloop.console.pages import Request, page
from touchloop.core import access
from touchloop.core.access import Permission

CUSTOMERS_SHOWN = 8
SHORTEST_SEARCH = 2


@dataclass(frozen=True, slots=True)
class Command:
    label: str | Promise
    icon: str
    route: str
    permission: Permission
    query: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    label: str
    icon: str
    url: str
    note: str = ""


COMMANDS = (
    Command(
        _("Add a source"), icon="plug", route="source_add", permission=Permission.SOURCES_MANAGE
    ),
    Command(
        _("Add a person"), icon="user-plus", route="person_add", permission=Permission.PEOPLE_MANAGE
    ),
    Command(
        _("Build a segment"),
        icon="chart-pie",
        route="segment_new",
        permission=Permission.SEGMENTS_EDIT,
    ),
    Command(
        _("Plan a campaign"),
        icon="megaphone",
        route="campaign_new",
        permission=Permission.MESSAGES_EDIT,
    ),
    Command(
        _("Look at the audit trail"),
        icon="scroll-text",
        route="settings_audit",
        permission=Permission.AUDIT_VIEW,
    ),
    Command(
        _("Light, dark or as my device"),
        icon="sun",
        route="appearance",
        permission=Permission.OWN_SETTINGS,
    ),
    Command(
        _("Secure my sign-in"),
        icon="shield-check",
        route="mfa_index",
        permission=Permission.OWN_SETTINGS,
    ),
)


@page(Permission.OWN_SETTINGS)
def answers(request: Request) -> HttpResponse:
    """A list of links that fit the words."""
    words = request.GET.get("q", "").strip()[:200]
    context = {
        "words": words,
        "customers": _customers(request, words),
        "rooms": [answer for answer in _rooms(request) if _fits(words, answer.label)],
        "commands": [answer for answer in _commands(request) if _fits(words, answer.label)],
    }
    return render(request, "frame/palette_list.html", context)


def _rooms(request: Request) -> list[Answer]:
    return [
        Answer(str(link.label), icon=link.icon, url=link.url, note=f"g {link.key}")
        for link in nav.links(request.actor)
    ]


def _commands(request: Request) -> list[Answer]:
    found = []
    for command in COMMANDS:
        if not access.allows(request.actor, command.permission):
            continue
        try:
            url = reverse(command.route)
        except NoReverseMatch:
            continue
        found.append(Answer(str(command.label), icon=command.icon, url=url + command.query))
    return found


def _customers(request: Request, words: str) -> list[Answer]:
    """Those in the person's scope, found by what they may see."""
    if len(words) < SHORTEST_SEARCH:
        return []
    found = search(request.actor, words, limit=CUSTOMERS_SHOWN)
    return [Answer(row.name, icon="user", url=row.url, note=row.matched) for row in found]


def _fits(words: str, label: str) -> bool:
    text = label.casefold()
    return all(word in text for word in words.casefold().split())
