"""Addresses of matching."""

from __future__ import annotations

from django.urls import path

from touchloop.console.insight.matching import acts, lists, views

urlpatterns = [
    path("matching/", views.show, name="insight_matching"),
    path("matching/progress/", views.progress, name="insight_matching_progress"),
    path("matching/label/", views.look, name="insight_matching_look"),
    path("matching/homes/", views.homes, name="insight_matching_homes"),
    path("matching/lists/", lists.lists, name="insight_matching_lists"),
    path("matching/lists/add/", lists.add, name="insight_matching_list_add"),
    path("matching/lists/<int:id>/", lists.one, name="insight_matching_list"),
    path("matching/lists/<int:id>/file/", lists.file, name="insight_matching_list_file"),
    path("matching/lists/<int:id>/forget/", lists.forget, name="insight_matching_list_forget"),
    path("matching/version/<int:id>/", acts.version, name="insight_matching_version"),
    path("matching/run/", acts.run, name="insight_matching_run"),
    path("matching/policy/", acts.policy, name="insight_matching_policy"),
    path("matching/label/<int:pair>/", acts.label, name="insight_matching_label"),
]
