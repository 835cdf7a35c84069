"""Tells Django the label of this room."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "touchloop.api"
    label = "api"
