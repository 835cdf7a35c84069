"""Tables of the signals."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Signal(models.Model):
    """Something in a customer's behaviour that tells how it was for them; once for each cause."""

    subject_id = models.BigIntegerField()
    kind = models.TextField()
    strength = models.FloatField()
    channel = models.TextField(default="", blank=True)
    location = models.TextField(default="", blank=True)
    stage = models.TextField(default="", blank=True)
    cause = models.TextField(unique=True)
    detail = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        db_table = "signals"
        indexes: ClassVar = [
            models.Index(fields=["subject_id", "kind", "-at"], name="signals_subject"),
            models.Index(fields=["-at"], name="signals_when"),
        ]


class SignalRule(models.Model):
    """What somebody changed about a kind of signal; what is not here is as the product has it."""

    kind = models.TextField(primary_key=True)
    live = models.BooleanField()
    weight = models.FloatField()
    opens_case = models.BooleanField()
    limits = models.JSONField(default=dict)

    class Meta:
        db_table = "signal_rules"
