"""Tables of the campaigns."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Campaign(models.Model):
    """A plan (see plan.py), how far it is, and the seed that assigns its members."""

    class State(models.TextChoices):
        DRAFT = "draft"
        RUNNING = "running"
        PAUSED = "paused"
        DONE = "done"
        ABORTED = "aborted"

    id = models.AutoField(primary_key=True)
    slug = models.TextField(unique=True)
    name = models.TextField()
    plan = models.JSONField()
    state = models.TextField(choices=State.choices, default=State.DRAFT)
    seed = models.TextField()
    created_by = models.IntegerField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    followed_at = models.DateTimeField(null=True)  # up to when entries were looked for
    ended_at = models.DateTimeField(null=True)
    trouble = models.TextField(default="", db_default="")  # the fault for which it was paused

    class Meta:
        db_table = "campaigns"


class CampaignMember(models.Model):
    """One customer of a campaign's audience: which arm, and how far.

    `variant` is empty for the holdout. `place` is the order of sending, drawn like the arm, so that
    a throttled campaign reaches nobody first for being old. `turn` counts how often it was asked
    for anew, after a pause took it back from the outbox.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        ASKED = "asked"  # the channels have it: see its delivery
        HELD = "held"  # the channels refused it, with the reason
        HOLDOUT = "holdout"
        LEFT = "left"  # the segment, or is the same customer as another member
        CANCELLED = "cancelled"

    pk = models.CompositePrimaryKey("campaign_id", "subject_id")
    campaign_id = models.IntegerField()
    subject_id = models.BigIntegerField()
    variant = models.TextField()
    state = models.TextField(choices=State.choices)
    reason = models.TextField(default="", db_default="")
    place = models.IntegerField()
    turn = models.SmallIntegerField(default=0, db_default=0)
    joined_at = models.DateTimeField()
    next_at = models.DateTimeField()
    asked_at = models.DateTimeField(null=True)
    delivery_id = models.BigIntegerField(null=True)

    class Meta:
        db_table = "campaign_members"
        indexes: ClassVar = [
            models.Index(
                fields=["campaign_id", "next_at", "place"],
                name="campaign_members_waiting",
                condition=models.Q(state="waiting"),
            ),
            models.Index(
                fields=["campaign_id", "asked_at"],
                name="campaign_members_asked",
                condition=models.Q(asked_at__isnull=False),
            ),
            models.Index(fields=["subject_id"], name="campaign_members_subject"),
        ]
