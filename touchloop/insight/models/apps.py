"""Tells Django the label of this room."""

from django.apps import AppConfig


class ModelsConfig(AppConfig):
    name = "touchloop.insight.models"
    label = "models"
