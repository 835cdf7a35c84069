"""Addresses of uplift."""

from __future__ import annotations

from django.urls import path

from touchloop.console.insight.uplift import views

urlpatterns = [path("uplift/", views.show, name="insight_uplift")]
