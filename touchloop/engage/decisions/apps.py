"""Tells Django the label of this room."""

from django.apps import AppConfig


class DecisionsConfig(AppConfig):
    name = "touchloop.engage.decisions"
    label = "decisions"
