"""Tables of the lake's bookkeeping; the history itself lies in Delta tables."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models


class LakeExport(models.Model):
    """One export: planned before the first file is written, done when the log is marked."""

    class State(models.TextChoices):
        PLANNED = "planned"
        DONE = "done"

    seq = models.BigIntegerField(primary_key=True)
    batch_ids = ArrayField(models.BigIntegerField())
    rows = models.BigIntegerField(default=0, db_default=0)
    state = models.TextField(choices=State.choices, default=State.PLANNED, db_default="planned")
    planned_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "lake_exports"
