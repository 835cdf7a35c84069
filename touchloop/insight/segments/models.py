"""The tables of segments. Rules are read through `grammar`, membership is written set-based."""

from __future__ import annotations

from django.db import models


class Segment(models.Model):
    """A named rule. `sentence` is the rule in words as it was when the rule was saved."""

    id = models.AutoField(primary_key=True)
    slug = models.TextField(unique=True)
    name = models.TextField()
    sentence = models.TextField(default="")
    rule = models.JSONField()
    purpose = models.TextField(default="personalise")
    state = models.TextField(default="draft")
    version = models.IntegerField(default=1)
    created_by = models.IntegerField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    filled_at = models.DateTimeField(null=True)
    members = models.IntegerField(default=0)
    counted_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "segments"
        constraints = [
            models.CheckConstraint(
                name="segments_state", condition=models.Q(state__in=["live", "paused", "draft"])
            )
        ]


class SegmentVersion(models.Model):
    """Every rule a segment ever had, with the size it had before and after the change."""

    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="+")
    version = models.IntegerField()
    rule = models.JSONField()
    at = models.DateTimeField()
    actor_id = models.IntegerField(null=True)
    before_count = models.IntegerField(null=True)
    after_count = models.IntegerField(null=True)

    class Meta:
        db_table = "segment_versions"
        constraints = [
            models.UniqueConstraint(fields=["segment", "version"], name="segment_versions_once")
        ]


class SegmentMember(models.Model):
    """Who is in which segment now, and since when."""

    pk = models.CompositePrimaryKey("customer_id", "segment_id")
    customer_id = models.BigIntegerField()
    segment_id = models.IntegerField()
    since = models.DateTimeField()

    class Meta:
        db_table = "segment_members"
        indexes = [models.Index(fields=["segment_id", "-since"], name="segment_members_newest")]


class SegmentSize(models.Model):
    """How many members a segment had in an hour; of old days only the last note stays."""

    pk = models.CompositePrimaryKey("segment_id", "hour")
    segment_id = models.IntegerField()
    hour = models.DateTimeField()
    members = models.IntegerField()

    class Meta:
        db_table = "segment_sizes"


class SegmentSchedule(models.Model):
    """What happens to a segment every day at a time of the day: it is refreshed, or exported."""

    segment_id = models.IntegerField()
    act = models.TextField()
    at = models.TimeField()
    zone = models.TextField()
    wishes = models.JSONField(default=dict)
    made_by = models.IntegerField(null=True)
    made_at = models.DateTimeField()
    next_at = models.DateTimeField()
    last_at = models.DateTimeField(null=True)
    last_word = models.TextField(default="")

    class Meta:
        db_table = "segment_schedules"
        constraints = [
            models.UniqueConstraint(fields=["segment_id", "act"], name="segment_schedules_once"),
            models.CheckConstraint(
                name="segment_schedules_act", condition=models.Q(act__in=["refresh", "export"])
            ),
        ]
        indexes = [models.Index(fields=["next_at"], name="segment_schedules_due")]
