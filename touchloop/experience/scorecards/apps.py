"""Tells Django the label of this room."""

from django.apps import AppConfig


class ScorecardsConfig(AppConfig):
    name = "touchloop.experience.scorecards"
    label = "scorecards"
