"""Tells Django the label of this room."""

from django.apps import AppConfig


class SurveysConfig(AppConfig):
    name = "touchloop.experience.surveys"
    label = "surveys"
