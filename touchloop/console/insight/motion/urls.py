"""Addresses of data in motion."""

from __future__ import annotations

from django.urls import path

from touchloop.console.insight.motion import views

urlpatterns = [path("motion/", views.show, name="insight_motion")]
