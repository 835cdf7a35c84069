"""Tells Django the label of this room."""

from django.apps import AppConfig


class MatchingConfig(AppConfig):
    name = "touchloop.insight.matching"
    label = "matching"
