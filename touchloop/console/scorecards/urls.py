"""Addresses of the scorecards."""

from __future__ import annotations

from django.urls import path

from touchloop.console.scorecards import behind, views

urlpatterns = [
    path("scorecards/", views.listed, name="scorecards"),
    path("scorecards/place/", views.place, name="scorecard_place"),
    path("scorecards/answers/", behind.answers, name="scorecard_answers"),
    path("scorecards/table.csv", behind.table_csv, name="scorecards_csv"),
]
