"""Addresses of models."""

from __future__ import annotations

from django.urls import path

from touchloop.console.insight.models import acts, views

urlpatterns = [
    path("models/", views.listed, name="insight_models"),
    path("models/<str:kind>/", views.card, name="insight_model"),
    path("models/<str:kind>/progress/", views.progress, name="insight_model_progress"),
    path("models/<str:kind>/train/", acts.train, name="insight_model_train"),
    path("models/<str:kind>/cancel/", acts.cancel, name="insight_model_cancel"),
    path("models/<str:kind>/roll-back/", acts.roll_back, name="insight_model_roll_back"),
    path("models/<str:kind>/<int:number>/", views.version, name="insight_model_version"),
]
