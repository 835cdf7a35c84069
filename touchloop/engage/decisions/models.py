"""The tables of decisions: how they are made, what was decided, what came of it."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now


class DecisionPolicy(models.Model):
    """How offers are weighed against each other; each change is a new row."""

    version = models.AutoField(primary_key=True)
    settings = models.JSONField()
    salt = models.BinaryField()  # the key of the holdouts' hash; the same in every version
    at = models.DateTimeField(db_default=Now())
    actor_id = models.IntegerField(null=True)

    class Meta:
        db_table = "decision_policies"


class DecisionModel(models.Model):
    """What was learned about propensity, as it stood after one run of learning."""

    version = models.AutoField(primary_key=True)
    at = models.DateTimeField()
    learned = models.IntegerField()  # outcomes in this run
    model = models.BinaryField(null=True)  # vowpalwabbit's own format; older ones are let go
    counts = models.JSONField()  # {offer: [shown, taken]}
    scores = models.BinaryField(null=True)  # what the model says of each offer in each bucket

    class Meta:
        db_table = "decision_models"


class DecisionMade(models.Model):
    """One decision with all its inputs, so that it can be made again."""

    id = models.UUIDField(primary_key=True)
    subject_id = models.BigIntegerField()
    at = models.DateTimeField()
    channel = models.TextField()
    location = models.TextField(default="")
    placement = models.TextField(default="")
    book_id = models.IntegerField()
    policy_version = models.IntegerField()
    model_version = models.IntegerField()
    inputs = models.TextField()  # facts.Facts as JSON
    propensities = models.BinaryField()  # float32 of each offer that was weighed, in book order
    chosen = ArrayField(models.IntegerField())
    probabilities = ArrayField(models.FloatField())  # of choosing each, given those before it
    first_offer = models.IntegerField(null=True)  # the first that was weighed, not mandatory
    learning = models.SmallIntegerField(default=0)  # 0 waits, 1 learned, 2 never shown

    class Meta:
        db_table = "decisions"
        indexes: ClassVar = [
            models.Index(fields=["subject_id", "-at"], name="decisions_subject"),
            models.Index(fields=["-at"], name="decisions_at"),
            models.Index(
                fields=["at"],
                name="decisions_waiting",
                condition=models.Q(learning=0, first_offer__isnull=False),
            ),
        ]


class OfferOutcome(models.Model):
    """An offer was shown, taken, refused or put off: the memory of what was proposed."""

    subject_id = models.BigIntegerField()
    offer_id = models.IntegerField()
    decision_id = models.UUIDField(null=True)
    outcome = models.SmallIntegerField()  # outcomes.WORDS
    at = models.DateTimeField()
    channel = models.TextField(default="")
    cause = models.TextField(unique=True)

    class Meta:
        db_table = "offer_outcomes"
        indexes: ClassVar = [
            models.Index(fields=["subject_id", "at"], name="offer_outcomes_subject"),
            models.Index(fields=["offer_id", "outcome"], name="offer_outcomes_offer"),
            models.Index(fields=["decision_id"], name="offer_outcomes_decision"),
        ]


class OfferExposure(models.Model):
    """When somebody first came to an offer with a holdout (0: to any), and on which side."""

    pk = models.CompositePrimaryKey("subject_id", "offer_id")
    subject_id = models.BigIntegerField()
    offer_id = models.IntegerField()
    held = models.BooleanField()
    at = models.DateTimeField()
    goal = models.TextField()
    until = models.DateTimeField()
    reached_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "offer_exposures"
        indexes: ClassVar = [
            models.Index(fields=["offer_id", "held"], name="offer_exposures_side"),
            models.Index(fields=["goal"], name="offer_exposures_goal"),
        ]
