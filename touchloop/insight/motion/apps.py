"""Tells Django the label of this room."""

from django.apps import AppConfig


class MotionConfig(AppConfig):
    name = "touchloop.insight.motion"
    label = "motion"
