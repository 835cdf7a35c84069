"""Addresses of intent."""

from __future__ import annotations

from django.urls import path

from touchloop.console.insight.intent import views

urlpatterns = [
    path("intent/", views.show, name="insight_intent"),
    path("intent/now/", views.now, name="insight_intent_now"),
]
