"""Tables of the console: what people have arranged for themselves."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone


class SavedView(models.Model):
    """A list with its filter, order and columns under a name; one's own or shared."""

    owner_id = models.BigIntegerField()
    page = models.CharField(max_length=40)
    name = models.CharField(max_length=80)
    query = models.TextField()
    shared = models.BooleanField(default=False)
    pinned = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        db_table = "saved_views"
        ordering: ClassVar[list[str]] = ["-pinned", "name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["owner_id", "page", "name"], name="saved_views_once_per_owner"
            )
        ]


class Organisation(models.Model):
    """One row: how this installation calls itself and counts its days."""

    name = models.CharField(max_length=120, default="Touchloop")
    time_zone = models.CharField(max_length=64, default="UTC")
    currency = models.CharField(max_length=3, default="USD")
    collector_url = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "organisation"
