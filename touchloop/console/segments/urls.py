"""Addresses of the segments."""

from __future__ import annotations

from django.urls import path

from touchloop.console.segments import (
    alike,
    apart,
    asking_why,
    building,
    exporting,
    overlapping,
    views,
)

urlpatterns = [
    path("segments/", views.listed, name="segments"),
    path("segments/new/", building.new, name="segment_new"),
    path("segments/overlap/", overlapping.overlap, name="segment_overlap"),
    path("segments/overlap/customers/", overlapping.customers, name="segment_overlap_customers"),
    path("segments/preview/", building.preview, name="segment_preview"),
    path("segments/<int:id>/", views.segment, name="segment"),
    path("segments/<int:id>/moves/", views.moved, name="segment_moves"),
    path("segments/<int:id>/rule/", views.rule, name="segment_rule"),
    path("segments/<int:id>/trend/", views.trend, name="segment_trend"),
    path("segments/<int:id>/apart/", apart.apart, name="segment_apart"),
    path("segments/<int:id>/apart/customers/", apart.doing, name="segment_doing"),
    path("segments/<int:id>/alike/", alike.alike, name="segment_alike"),
    path("segments/<int:id>/alike/learn/", alike.learn, name="segment_learn"),
    path("segments/<int:id>/alike/keep/", alike.keep, name="segment_keep_alike"),
    path("segments/<int:id>/export/", exporting.export, name="segment_export"),
    path("segments/<int:id>/export/stop/", exporting.stop, name="segment_export_stop"),
    path("segments/<int:id>/refresh/", exporting.refresh, name="segment_refresh"),
    path("segments/<int:id>/why/", asking_why.find, name="segment_why_find"),
    path("segments/<int:id>/why/<int:customer_id>/", views.why, name="segment_why"),
    path("segments/<int:id>/edit/", building.edit, name="segment_edit"),
    path("segments/<int:id>/state/", building.state, name="segment_state"),
    path("segments/<int:id>/delete/", building.delete, name="segment_delete"),
]
