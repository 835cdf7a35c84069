"""The table of scores."""

from __future__ import annotations

from django.db import models


class Score(models.Model):
    """One number about one customer, with what it was computed from."""

    pk = models.CompositePrimaryKey("customer_id", "name")
    customer_id = models.BigIntegerField()
    name = models.TextField()
    value = models.FloatField()
    inputs = models.JSONField()
    computed_at = models.DateTimeField()

    class Meta:
        db_table = "scores"
        indexes = [models.Index(fields=["name", "value"], name="scores_ranked")]
