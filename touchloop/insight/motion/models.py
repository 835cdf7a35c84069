"""The tables of data in motion."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class MotionItem(models.Model):
    """Something that is captured: a source, an event, a property of one, a trait."""

    pk = models.CompositePrimaryKey("kind", "name")
    kind = models.TextField()
    name = models.TextField()
    label = models.TextField()
    parent = models.TextField(default="")  # of a property: its event
    ref = models.BigIntegerField(default=0)  # of a source or event: its number
    category = models.TextField(default="")
    volume = models.BigIntegerField(default=0)
    last_seen_at = models.DateTimeField(null=True)
    bytes = models.BigIntegerField(default=0)  # of an event: with its properties
    own_bytes = models.BigIntegerField(default=0)  # counted once: without what other items count
    measured_at = models.DateTimeField()

    class Meta:
        db_table = "motion_items"


class MotionUse(models.Model):
    """Somebody's use of something that is captured, and when it last was one."""

    kind = models.TextField()
    name = models.TextField()
    what = models.TextField()
    place = models.TextField()
    route = models.TextField(default="")
    arg = models.TextField(default="")
    last_used_at = models.DateTimeField()

    class Meta:
        db_table = "motion_uses"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["kind", "name", "what", "route", "arg", "place"], name="motion_uses_once"
            )
        ]


class MotionDay(models.Model):
    """How much of what is captured was in use on a day."""

    day = models.DateField(primary_key=True)
    at = models.DateTimeField()
    items = models.IntegerField()
    items_in_use = models.IntegerField()
    bytes = models.BigIntegerField()
    bytes_in_use = models.BigIntegerField()
    allowed = models.JSONField()  # {purpose: {category: share of customers}}

    class Meta:
        db_table = "motion_days"
