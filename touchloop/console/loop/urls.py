"""Addresses of the loop."""

from __future__ import annotations

from django.urls import path

from touchloop.console.loop import views

urlpatterns = [
    path("", views.loop, name="loop"),
    path("loop/circle/", views.circle, name="loop_circle"),
    path("loop/find/", views.find, name="loop_find"),
]
