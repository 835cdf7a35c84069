"""Tables of what we know about a customer."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class TraitStatement(models.Model):
    """What one authority says of one identifier: its best value for each trait.

    Source, time and tie are those of all values but of the ones in `others`, which have their own:
    {trait: [source, time, tie]}. The view `trait_values` gives a row for each value, with its own.
    """

    class Authority(models.IntegerChoices):
        INFERRED = 0
        IMPORT = 1
        SYSTEM = 2
        STAFF = 3
        PERSON = 4

    pk = models.CompositePrimaryKey("subject_id", "authority")
    subject_id = models.BigIntegerField()
    authority = models.SmallIntegerField(choices=Authority.choices)
    source_id = models.IntegerField()
    at = models.DateTimeField()
    tie = models.UUIDField()
    traits = models.JSONField()
    others = models.JSONField(null=True)

    class Meta:
        db_table = "trait_statements"


class Customer(models.Model):
    """The canonical row; its id is the id of the leading identifier.

    `traits` is {trait: {"v": value, "a": authority}}; where each came from is in the statements.
    """

    id = models.BigIntegerField(primary_key=True)
    display_name = models.TextField(default="", db_default="")
    email = models.TextField(default="", db_default="")
    phone = models.TextField(default="", db_default="")
    traits = models.JSONField(default=dict)
    allowed = models.IntegerField(default=0, db_default=0)
    stage = models.TextField(default="prospect", db_default="prospect")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        db_table = "customers"


class Activity(models.Model):
    """What changes with every batch, apart from the customer so that updates stay cheap."""

    customer_id = models.BigIntegerField(primary_key=True)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    interactions = models.IntegerField(default=0)
    orders = models.IntegerField(default=0)
    spend = models.FloatField(default=0)
    turn = models.BigIntegerField(default=0, db_default=0)  # of the batches that concerned them
    # What lists are sorted by is indexed coarsely: a value that stays leaves the indexes alone.
    last_hour = models.GeneratedField(
        expression=models.Func(
            "last_seen_at", template="date_trunc('hour', %(expressions)s, 'UTC')"
        ),
        output_field=models.DateTimeField(),
        db_persist=True,
    )
    # Four steps to each doubling of the spend.
    spend_step = models.GeneratedField(
        expression=models.Func(
            "spend", template="floor(4 * ln(1 + greatest(%(expressions)s, 0)) / ln(2))::smallint"
        ),
        output_field=models.SmallIntegerField(),
        db_persist=True,
    )

    class Meta:
        db_table = "activity"
        indexes: ClassVar = [
            models.Index(fields=["-last_hour"], name="activity_last_hour"),
            models.Index(fields=["spend_step"], name="activity_spend_step"),
        ]


class Visit(models.Model):
    """Where a subject was: who may be shown to the people of a place."""

    pk = models.CompositePrimaryKey("touchpoint_id", "subject_id")
    touchpoint_id = models.IntegerField()
    subject_id = models.BigIntegerField()

    class Meta:
        db_table = "visits"
        indexes: ClassVar = [models.Index(fields=["subject_id"], name="visits_subject")]
