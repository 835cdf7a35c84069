"""All addresses of the web application."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from touchloop.console import errors

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("touchloop.public.urls")),
    path("", include("touchloop.api.urls")),
    path("", include("touchloop.console.urls")),
]

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.broken
