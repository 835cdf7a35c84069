"""The table of scores."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Score(models.Model):
    """One number about one customer, with what it was computed from."""

    pk = models.CompositePrimaryKey("customer_id", "name")
    customer_id = models.BigIntegerField()
    name = models.TextField()
    value = models.FloatField()
    inputs = models.JSONField()
    computed_at = models.DateTimeField()
    # Which version of a model said so; none: it was counted, not learned.
    model_version_id = models.BigIntegerField(null=True)

    class Meta:
        db_table = "scores"
        indexes = [models.Index(fields=["name", "value"], name="scores_ranked")]


class IntentVisit(models.Model):
    """What is known of a visitor's visit so far, and how often they came before."""

    customer_id = models.BigIntegerField(primary_key=True)
    visits = models.IntegerField(db_default=0)  # before this one
    orders = models.IntegerField(db_default=0)
    started_us = models.BigIntegerField(db_default=0)  # microseconds since 1970; 0: none was live
    last_us = models.BigIntegerField(db_default=0)
    before_us = models.BigIntegerField(db_default=0)  # the step before the last one
    phone = models.BooleanField(db_default=False)
    referrer = models.TextField(db_default="")  # what kind of place, never the address
    counts = ArrayField(models.IntegerField(), db_default=[])  # of each act, in intent/steps.py
    bought = models.BooleanField(db_default=False)

    class Meta:
        db_table = "intent_visits"
        indexes = [models.Index(fields=["last_us"], name="intent_visits_live")]
