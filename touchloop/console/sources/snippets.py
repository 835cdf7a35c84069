"""Connect in five minutes: what to paste, with the real address and key in it."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy as _

from touchloop.console import organisation
from touchloop.interactions.api import Source

DOOR_AFTER_CONSOLE = 1  # `serve` opens the tracking door one port above the console
WAYS = (
    (
        "web",
        _("Web shop"),
        (("web_npm", _("With analytics.js")), ("web_plain", _("Without a library"))),
    ),
    ("till", _("Till"), (("till_curl", "curl"), ("till_python", "Python"))),
    ("server", _("Server"), (("server_python", "Python"), ("server_node", "Node"))),
    ("mobile", _("App"), (("app_kotlin", "Kotlin"), ("app_swift", "Swift"))),
)


@dataclass(frozen=True, slots=True)
class Snippet:
    id: str
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Way:
    key: str
    label: str
    first: bool
    snippets: tuple[Snippet, ...]


def ways(source: Source, *, host: str) -> list[Way]:
    """All ways to connect; the one for this kind of source first."""
    context = {
        "host": host,
        "bare_host": host.partition("://")[2],
        "protocol": host.partition("://")[0],
        "key": source.write_key,
    }
    fitting = source.kind if source.kind in {key for key, *_ in WAYS} else "server"
    drawn = [
        Way(
            key=key,
            label=str(label),
            first=key == fitting,
            snippets=tuple(
                Snippet(
                    id=name,
                    label=str(words),
                    text=render_to_string(f"sources/snippets/{name}.txt", context).strip(),
                )
                for name, words in snippets
            ),
        )
        for key, label, snippets in WAYS
    ]
    return sorted(drawn, key=lambda way: not way.first)


def door(request: HttpRequest) -> str:
    """The tracking door's address as machines outside reach it."""
    told = organisation.current().collector_url
    if told:
        return told
    name, _colon, port = request.get_host().rpartition(":")
    if name and port.isdecimal():
        return f"{request.scheme}://{name}:{int(port) + DOOR_AFTER_CONSOLE}"
    return f"{request.scheme}://{request.get_host()}:{8000 + DOOR_AFTER_CONSOLE}"
