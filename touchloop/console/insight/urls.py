"""Addresses of Insight; each of its rooms has its own list."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from touchloop.console.insight import front

ROOMS: tuple[str, ...] = (
    "value",
    "risk",
    "affinity",
    "paths",
    "intent",
    "uplift",
    "matching",
    "models",
    "motion",
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("insight/", front.show, name="insight"),
    *(path("insight/", include(f"touchloop.console.insight.{room}.urls")) for room in ROOMS),
]
