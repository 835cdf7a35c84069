"""Addresses of the segments."""

from __future__ import annotations

from django.urls import path

from touchloop.console.segments import building, views

urlpatterns = [
    path("segments/", views.listed, name="segments"),
    path("segments/new/", building.new, name="segment_new"),
    path("segments/preview/", building.preview, name="segment_preview"),
    path("segments/<int:id>/", views.segment, name="segment"),
    path("segments/<int:id>/moves/", views.moved, name="segment_moves"),
    path("segments/<int:id>/rule/", views.rule, name="segment_rule"),
    path("segments/<int:id>/trend/", views.trend, name="segment_trend"),
    path("segments/<int:id>/why/<int:customer_id>/", views.why, name="segment_why"),
    path("segments/<int:id>/edit/", building.edit, name="segment_edit"),
    path("segments/<int:id>/state/", building.state, name="segment_state"),
    path("segments/<int:id>/delete/", building.delete, name="segment_delete"),
]
