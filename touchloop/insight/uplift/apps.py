"""Tells Django the label of this room."""

from django.apps import AppConfig


class UpliftConfig(AppConfig):
    name = "touchloop.insight.uplift"
    label = "uplift"
