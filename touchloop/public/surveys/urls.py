"""Addresses of the surveys, under /c/."""

from __future__ import annotations

from django.urls import path

from touchloop.public.surveys import views

urlpatterns = [
    path("c/s/<str:token>", views.invited, name="public_survey"),
    path("c/q/<slug:slug>/<str:token>", views.at_place, name="public_survey_at_place"),
]
