"""The rooms of the console in the order of the loop, for the rail, the palette and the shortcuts.

A room stands in the rail when its page exists and the person may enter it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from touchloop.console import needs
from touchloop.core import access
from touchloop.core.access import Actor, Permission


@dataclass(frozen=True, slots=True)
class Room:
    route: str
    label: str | Promise
    icon: str
    permission: Permission
    key: str  # "g" then this letter goes there
    waiting: Callable[[Actor], int] | None = None


@dataclass(frozen=True, slots=True)
class Group:
    label: str | Promise
    rooms: tuple[Room, ...]


@dataclass(frozen=True, slots=True)
class Link:
    route: str
    label: str | Promise
    icon: str
    key: str
    url: str
    here: bool
    waiting: int


GROUPS = (
    Group(
        "",
        (
            Room("loop", _("Loop"), icon="refresh-cw", permission=Permission.LOOP_VIEW, key="l"),
            Room("live", _("Live"), icon="activity", permission=Permission.LIVE_VIEW, key="v"),
        ),
    ),
    Group(
        _("Know"),
        (
            Room(
                "customers",
                _("Customers"),
                icon="users",
                permission=Permission.CUSTOMERS_VIEW,
                key="c",
            ),
            Room(
                "suggestions",
                _("Suggestions"),
                icon="git-merge",
                permission=Permission.SUGGESTIONS_VIEW,
                key="u",
                waiting=needs.suggestions,
            ),
        ),
    ),
    Group(
        _("Understand"),
        (
            Room(
                "segments",
                _("Segments"),
                icon="chart-pie",
                permission=Permission.SEGMENTS_VIEW,
                key="s",
            ),
            Room(
                "insight",
                _("Insight"),
                icon="lightbulb",
                permission=Permission.INSIGHT_VIEW,
                key="n",
            ),
        ),
    ),
    Group(
        _("Engage"),
        (
            Room("offers", _("Offers"), icon="tag", permission=Permission.OFFERS_VIEW, key="f"),
            Room(
                "decisions",
                _("Decisions"),
                icon="git-branch",
                permission=Permission.DECISIONS_VIEW,
                key="i",
            ),
            Room(
                "messages",
                _("Messages"),
                icon="send",
                permission=Permission.MESSAGES_VIEW,
                key="m",
            ),
        ),
    ),
    Group(
        _("Measure"),
        (
            Room(
                "surveys",
                _("Surveys"),
                icon="message-square-text",
                permission=Permission.SURVEYS_VIEW,
                key="y",
            ),
            Room(
                "scorecards",
                _("Scorecards"),
                icon="gauge",
                permission=Permission.SCORECARDS_VIEW,
                key="r",
            ),
        ),
    ),
    Group(
        _("Act"),
        (
            Room(
                "cases",
                _("Cases"),
                icon="life-buoy",
                permission=Permission.CASES_VIEW,
                key="a",
                waiting=needs.cases,
            ),
        ),
    ),
    Group(
        _("Capture"),
        (
            Room("sources", _("Sources"), icon="plug", permission=Permission.SOURCES_VIEW, key="o"),
            Room("events", _("Events"), icon="zap", permission=Permission.EVENTS_VIEW, key="e"),
            Room(
                "held",
                _("Dead letters"),
                icon="mail-x",
                permission=Permission.HELD_VIEW,
                key="d",
                waiting=needs.held,
            ),
        ),
    ),
)
SETTINGS = Room(
    "settings", _("Settings"), icon="settings", permission=Permission.OWN_SETTINGS, key=","
)


def rail(actor: Actor, *, path: str) -> list[tuple[str | Promise, list[Link]]]:
    """The groups that hold a room the person may enter."""
    drawn = [(group.label, list(_links(group.rooms, actor, path))) for group in GROUPS]
    return [(label, links) for label, links in drawn if links]


def settings_link(actor: Actor, *, path: str) -> Link | None:
    return next(_links((SETTINGS,), actor, path), None)


def links(actor: Actor) -> list[Link]:
    """Every room the person may enter, for the palette and the sheet of shortcuts."""
    rooms = [room for group in GROUPS for room in group.rooms]
    return list(_links((*rooms, SETTINGS), actor, ""))


def _links(rooms: tuple[Room, ...], actor: Actor, path: str) -> Iterator[Link]:
    for room in rooms:
        if not access.allows(actor, room.permission):
            continue
        try:
            url = reverse(room.route)
        except NoReverseMatch:
            continue
        yield Link(
            route=room.route,
            label=room.label,
            icon=room.icon,
            key=room.key,
            url=url,
            here=path == url or (url != "/" and path.startswith(url)),
            waiting=room.waiting(actor) if room.waiting else 0,
        )
