"""Tables of the triggers."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

_WAITING = models.Q(state="waiting")


class Trigger(models.Model):
    """When this happens to a customer, then wait, ask again, and do that: the newest version."""

    class State(models.TextChoices):
        DRAFT = "draft"
        LIVE = "live"
        PAUSED = "paused"
        ENDED = "ended"

    id = models.AutoField(primary_key=True)
    slug = models.TextField(unique=True)
    name = models.TextField()
    definition = models.JSONField()
    state = models.TextField(choices=State.choices, default=State.DRAFT)
    version = models.IntegerField(default=1)
    seed = models.TextField()  # keys the draw of the holdout, so that it can be drawn again
    created_by = models.IntegerField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        db_table = "triggers"


class TriggerVersion(models.Model):
    """Every definition a trigger ever had; a run keeps to the one with which it started."""

    trigger = models.ForeignKey(Trigger, on_delete=models.CASCADE, related_name="+")
    version = models.IntegerField()
    definition = models.JSONField()
    at = models.DateTimeField()
    actor_id = models.IntegerField(null=True)

    class Meta:
        db_table = "trigger_versions"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["trigger", "version"], name="trigger_versions_once")
        ]


class TriggerRun(models.Model):
    """One customer on the way through one version of a trigger.

    `step` is done at `due_at`. `cause` is what started it: the same cause starts one run, ever.
    `reached`: it came as far as an act (or would have, were it not held out).
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        DONE = "done"
        EXITED = "exited"
        SKIPPED = "skipped"
        FAILED = "failed"

    trigger_id = models.IntegerField()
    version = models.IntegerField()
    subject_id = models.BigIntegerField()
    cause = models.TextField()
    state = models.TextField(choices=State.choices, default=State.WAITING, db_default="waiting")
    reason = models.TextField(default="", db_default="")
    step = models.SmallIntegerField(default=0, db_default=0)
    due_at = models.DateTimeField()
    entered_at = models.DateTimeField()
    started_at = models.DateTimeField()
    acted_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    withdraw_until = models.DateTimeField(null=True)
    held_out = models.BooleanField(default=False, db_default=False)
    reached = models.BooleanField(default=False, db_default=False)
    attempts = models.SmallIntegerField(default=0, db_default=0)
    data = models.JSONField(default=dict)

    class Meta:
        db_table = "trigger_runs"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["trigger_id", "cause"], name="trigger_runs_once")
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["trigger_id", "due_at"], name="trigger_runs_due", condition=_WAITING
            ),
            models.Index(fields=["subject_id", "trigger_id"], name="trigger_runs_subject"),
        ]
