"""Tells Django the label of this room."""

from django.apps import AppConfig


class CasesConfig(AppConfig):
    name = "touchloop.records.cases"
    label = "cases"
