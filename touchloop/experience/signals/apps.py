"""Tells Django the label of this room."""

from django.apps import AppConfig


class SignalsConfig(AppConfig):
    name = "touchloop.experience.signals"
    label = "signals"
