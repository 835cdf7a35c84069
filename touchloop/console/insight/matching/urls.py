"""Addresses of matching."""

from __future__ import annotations

from django.urls import path

from touchloop.console.insight.matching import acts, views

urlpatterns = [
    path("matching/", views.show, name="insight_matching"),
    path("matching/progress/", views.progress, name="insight_matching_progress"),
    path("matching/label/", views.look, name="insight_matching_look"),
    path("matching/homes/", views.homes, name="insight_matching_homes"),
    path("matching/run/", acts.run, name="insight_matching_run"),
    path("matching/policy/", acts.policy, name="insight_matching_policy"),
    path("matching/label/<int:pair>/", acts.label, name="insight_matching_label"),
]
