"""Addresses of the programs' door beside the console."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from touchloop.api import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("v1/decide", views.decide, name="api-decide"),
    path("v1/outcomes", views.outcomes, name="api-outcomes"),
]
