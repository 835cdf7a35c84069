"""Addresses of the customers' door, all under /c/."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("touchloop.public.surveys.urls")),
    path("", include("touchloop.public.links.urls")),
    path("", include("touchloop.public.preferences.urls")),
]
