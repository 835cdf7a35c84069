"""Tells Django the label of this room."""

from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    name = "touchloop.engage.campaigns"
    label = "campaigns"
