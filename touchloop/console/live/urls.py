"""Addresses of Live."""

from __future__ import annotations

from django.urls import path

from touchloop.console.live import views

urlpatterns = [
    path("live/", views.live, name="live"),
    path("live/newer/", views.newer, name="live_newer"),
    path("live/<int:id>/", views.interaction, name="live_interaction"),
]
