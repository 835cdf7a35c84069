"""Addresses of value."""

from __future__ import annotations

from django.urls import path

from touchloop.console.insight.value import views

urlpatterns = [path("value/", views.show, name="insight_value")]
