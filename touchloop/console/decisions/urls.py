"""Addresses of the decisions."""

from __future__ import annotations

from django.urls import path

from touchloop.console.decisions import simulator, views

urlpatterns = [
    path("decisions/", views.listed, name="decisions"),
    path("decisions/find/", views.find, name="decisions_find"),
    path("decisions/simulator/", simulator.show, name="simulator"),
    path("decisions/<uuid:id>/", views.decision, name="decision"),
    path("decisions/<uuid:id>/replay/", views.replay, name="decision_replay"),
]
