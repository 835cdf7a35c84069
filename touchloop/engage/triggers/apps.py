"""Tells Django the label of this room."""

from django.apps import AppConfig


class TriggersConfig(AppConfig):
    name = "touchloop.engage.triggers"
    label = "triggers"
