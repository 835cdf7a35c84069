"""Addresses of risk."""

from __future__ import annotations

from django.urls import path

from touchloop.console.insight.risk import views

urlpatterns = [path("risk/", views.show, name="insight_risk")]
