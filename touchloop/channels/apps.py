"""Tells Django the label of this room."""

from django.apps import AppConfig


class ChannelsConfig(AppConfig):
    name = "touchloop.channels"
    label = "channels"
