"""Addresses of models."""

from __future__ import annotations

from django.urls import path

from touchloop.console.insight.models import acts, views

urlpatterns = [
    path("models/", views.listed, name="insight_models"),
    path("models/<slug:kind>/", views.card, name="insight_model"),
    path("models/<slug:kind>/progress/", views.progress, name="insight_model_progress"),
    path("models/<slug:kind>/train/", acts.train, name="insight_model_train"),
    path("models/<slug:kind>/cancel/", acts.cancel, name="insight_model_cancel"),
    path("models/<slug:kind>/roll-back/", acts.roll_back, name="insight_model_roll_back"),
    path("models/<slug:kind>/<int:number>/", views.version, name="insight_model_version"),
]
