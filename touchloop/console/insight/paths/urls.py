"""Addresses of the paths."""

from __future__ import annotations

from django.urls import path

from touchloop.console.insight.paths import views

urlpatterns = [
    path("paths/", views.show, name="insight_paths"),
    path("paths/learn/", views.learn, name="insight_paths_learn"),
    path("paths/customers/", views.customers, name="insight_paths_customers"),
]
