"""Tells Django the label of this room."""

from django.apps import AppConfig


class AffinityConfig(AppConfig):
    name = "touchloop.insight.affinity"
    label = "affinity"
