"""Tells Django the label of this room."""

from django.apps import AppConfig


class OffersConfig(AppConfig):
    name = "touchloop.engage.offers"
    label = "offers"
