"""Tables of the flow."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class FlowBatch(models.Model):
    """One micro-batch: its figures, and which rows of the log it wrote."""

    id = models.BigIntegerField(primary_key=True)
    worker = models.TextField()
    started_at = models.DateTimeField()
    seconds = models.FloatField()
    messages = models.IntegerField()
    counts = models.JSONField()
    kinds = models.JSONField()
    steps = models.JSONField()
    first_id = models.BigIntegerField()
    last_id = models.BigIntegerField()
    folded = models.BooleanField(default=False, db_default=False)
    exported = models.BigIntegerField(null=True)

    class Meta:
        db_table = "flow_batches"
        indexes: ClassVar = [
            models.Index(fields=["id"], name="batches_to_fold", condition=models.Q(folded=False)),
            models.Index(
                fields=["id"], name="batches_to_export", condition=models.Q(exported__isnull=True)
            ),
        ]


class Refresh(models.Model):
    """A customer to look at again at a moment: a window moves, a merge, an edit by staff."""

    customer_id = models.BigIntegerField(primary_key=True)
    due_at = models.DateTimeField()
    reason = models.TextField()

    class Meta:
        db_table = "refreshes"
        indexes: ClassVar = [models.Index(fields=["due_at"], name="refreshes_due")]


class Heartbeat(models.Model):
    """A worker that lives."""

    worker = models.TextField(primary_key=True)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    processed = models.BigIntegerField(default=0)

    class Meta:
        db_table = "heartbeats"
