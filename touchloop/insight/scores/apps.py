"""Tells Django the label of this room."""

from django.apps import AppConfig


class ScoresConfig(AppConfig):
    name = "touchloop.insight.scores"
    label = "scores"
