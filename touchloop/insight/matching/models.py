"""The tables of matching: what was learned, runs, pairs to look at, what people said, homes."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now


class MatchingVersion(models.Model):
    """One set of rules, weights, frequent values and thresholds, as a run learned it."""

    at = models.DateTimeField()
    seed = models.IntegerField()
    records = models.IntegerField()
    threshold = models.FloatField()  # the probability from which a pair is suggested
    parameters = models.JSONField()  # fields, rules, weights, prior, frequent values
    words = ArrayField(models.TextField(), default=list)

    class Meta:
        db_table = "matching_versions"


class MatchingRun(models.Model):
    """One run over the customers: asked for, at work, and what came of it."""

    asked_at = models.DateTimeField()
    asked_by = models.IntegerField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    state = models.TextField(default="asked")
    step = models.TextField(default="", db_default="")
    done = models.FloatField(default=0, db_default=0)
    version_id = models.BigIntegerField(null=True)
    figures = models.JSONField(default=dict)
    error = models.TextField(default="", db_default="")

    class Meta:
        db_table = "matching_runs"
        constraints: ClassVar = [
            models.CheckConstraint(
                name="matching_runs_state",
                condition=models.Q(state__in=["asked", "running", "done", "failed"]),
            )
        ]


class MatchingPair(models.Model):
    """Two customers that the last run compared and that a person may look at."""

    a_id = models.BigIntegerField()
    b_id = models.BigIntegerField()
    bits = models.FloatField()
    forbidden = models.BooleanField(default=False)
    evidence = models.JSONField()  # [[words, bits], …], no values
    run_id = models.BigIntegerField()

    class Meta:
        db_table = "matching_pairs"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["a_id", "b_id"], name="matching_pairs_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["b_id"], name="matching_pairs_b"),
            models.Index(fields=["bits"], name="matching_pairs_bits"),
        ]


class MatchingLabel(models.Model):
    """What a person said of two customers, and how the model had scored them."""

    a_id = models.BigIntegerField()
    b_id = models.BigIntegerField()
    answer = models.TextField()
    bits = models.FloatField()
    said_by = models.IntegerField()
    at = models.DateTimeField()

    class Meta:
        db_table = "matching_labels"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["a_id", "b_id"], name="matching_labels_once"),
            models.CheckConstraint(
                name="matching_labels_answer",
                condition=models.Q(answer__in=["same", "different", "unsure"]),
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["b_id"], name="matching_labels_b")]


class MatchingPolicy(models.Model):
    """How sure matching must be to merge by itself, and by which version; the newest row holds."""

    at = models.DateTimeField()
    automatic = models.BooleanField(default=False)
    precision = models.FloatField()
    changed_by = models.IntegerField(null=True)
    version_id = models.BigIntegerField(null=True)  # null: each run learns its own

    class Meta:
        db_table = "matching_policy"


class HouseholdMember(models.Model):
    """A customer of a home: linked with the others in it, not merged with them."""

    customer_id = models.BigIntegerField(primary_key=True)
    household = models.BigIntegerField()  # the smallest customer id in it
    reason = models.TextField()
    since = models.DateTimeField(db_default=Now())  # when a run first found it there

    class Meta:
        db_table = "household_members"
        indexes: ClassVar = [models.Index(fields=["household"], name="household_members_home")]


class HouseholdApart(models.Model):
    """A person said that customer a does not live with customer b; `was` is how it stood before."""

    a_id = models.BigIntegerField()
    b_id = models.BigIntegerField()
    said_by = models.IntegerField()
    at = models.DateTimeField()
    was = models.JSONField()  # household, reason, since: to take it back by

    class Meta:
        db_table = "household_apart"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["a_id", "b_id"], name="household_apart_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["b_id"], name="household_apart_b")]


class MatchingList(models.Model):
    """A list of people from a file, to be held against the customers; it changes none of them."""

    name = models.TextField()
    at = models.DateTimeField()
    asked_by = models.IntegerField()
    state = models.TextField(default="asked")
    step = models.TextField(default="", db_default="")
    done = models.FloatField(default=0, db_default=0)
    headings = ArrayField(models.TextField())
    kinds = ArrayField(models.TextField())  # of each column, "" where it is not compared
    figures = models.JSONField(default=dict)
    words = ArrayField(models.TextField(), default=list)
    error = models.TextField(default="", db_default="")
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "matching_lists"
        constraints: ClassVar = [
            models.CheckConstraint(
                name="matching_lists_state",
                condition=models.Q(state__in=["asked", "running", "done", "failed"]),
            )
        ]


class MatchingListRow(models.Model):
    """One row of such a list and what was found: new, a customer, or not sure."""

    list_id = models.BigIntegerField()
    number = models.IntegerField()
    at = models.DateTimeField()
    cells = ArrayField(models.TextField())
    answer = models.TextField(default="", db_default="")
    customer_id = models.BigIntegerField(null=True)
    bits = models.FloatField(null=True)
    evidence = models.JSONField(default=list)  # [[words, bits], …], no values

    class Meta:
        db_table = "matching_list_rows"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["list_id", "number"], name="matching_list_rows_once"),
            models.CheckConstraint(
                name="matching_list_rows_answer",
                condition=models.Q(answer__in=["", "new", "same", "unsure"]),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["customer_id"], name="matching_list_rows_customer"),
            models.Index(fields=["at"], name="matching_list_rows_at"),
        ]
