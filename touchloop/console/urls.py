"""Addresses of the console. Each room has its own list; every route names its permission."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from touchloop.console import palette, views_saved
from touchloop.console.ui import page as ui_page

ROOMS = (
    "loop",
    "live",
    "customers",
    "suggestions",
    "segments",
    "insight",
    "surveys",
    "scorecards",
    "cases",
    "messages",
    "offers",
    "decisions",
    "sources",
    "events",
    "held",
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("touchloop.console.signin.urls")),
    path("", include("touchloop.console.settings.urls")),
    path("palette/", palette.answers, name="palette"),
    path("views/save/", views_saved.save, name="views_save"),
    path("views/<int:view_id>/remove/", views_saved.remove, name="views_remove"),
    path("ui/", ui_page.show, name="ui"),
    *(path("", include(f"touchloop.console.{room}.urls")) for room in ROOMS),
]
