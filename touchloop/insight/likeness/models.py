"""The table of likeness: comparisons that somebody asked for, with what was found."""

from __future__ import annotations

from django.db import models


class Contrast(models.Model):
    """What sets a segment apart from another, or (other_id 0) from everybody else."""

    one_id = models.IntegerField()
    other_id = models.IntegerField()
    asked_at = models.DateTimeField()
    asked_by = models.IntegerField(null=True)
    waits = models.BooleanField(default=True)
    computed_at = models.DateTimeField(null=True)
    found = models.JSONField(null=True)
    trouble = models.TextField(default="")

    class Meta:
        db_table = "contrasts"
        constraints = [
            models.UniqueConstraint(fields=["one_id", "other_id"], name="contrasts_once")
        ]
