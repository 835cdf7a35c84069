"""Tells Django the label of this room."""

from django.apps import AppConfig


class SegmentsConfig(AppConfig):
    name = "touchloop.insight.segments"
    label = "segments"
