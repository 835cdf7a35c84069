"""Tells Django the label of this room."""

from django.apps import AppConfig


class LikenessConfig(AppConfig):
    name = "touchloop.insight.likeness"
    label = "likeness"
