"""Tables of identity."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

_DECIDED = models.Q(kind__in=["staff", "cut"])


class Identifier(models.Model):
    """One (namespace, value). Its id is the subject that interactions hang on, for ever."""

    class State(models.TextChoices):
        OK = "ok"
        BLOCKED = "blocked"
        SHARED = "shared"

    namespace = models.TextField()
    value = models.TextField(db_collation="C")  # the unique index also serves beginnings
    customer_id = models.BigIntegerField()  # the leader of its cluster
    person_id = models.BigIntegerField(default=0)  # its leader before devices count; 0: a device
    state = models.TextField(choices=State.choices, default=State.OK)
    first_seen_at = models.DateTimeField()
    source_id = models.IntegerField()

    class Meta:
        db_table = "identifiers"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["namespace", "value"], name="identifiers_value"),
        ]
        indexes: ClassVar = [models.Index(fields=["customer_id"], name="identifiers_customer")]


class Link(models.Model):
    """A reason to hold two identifiers together, or a decision to keep them apart."""

    class Kind(models.TextChoices):
        OBSERVED = "observed"
        DECLARED = "declared"
        ALIAS = "alias"
        STAFF = "staff"
        CUT = "cut"

    a_id = models.BigIntegerField()
    b_id = models.BigIntegerField()
    kind = models.TextField(choices=Kind.choices)
    source_id = models.IntegerField()
    message_key = models.UUIDField(null=True)
    created_at = models.DateTimeField()  # the earliest time at which this was seen or decided
    actor_id = models.IntegerField(null=True)
    reason = models.TextField(default="", db_default="")
    undone_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "links"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["a_id", "b_id", "kind"], name="links_once"),
            models.CheckConstraint(condition=models.Q(a_id__lt=models.F("b_id")), name="links_way"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["b_id"], name="links_b"),
            models.Index(fields=["a_id"], name="links_decided_a", condition=_DECIDED),
            models.Index(fields=["b_id"], name="links_decided_b", condition=_DECIDED),
        ]


class MergeOperation(models.Model):
    """What a change of the partition did: {customer: [identifiers]} before and after."""

    class Kind(models.TextChoices):
        MERGE = "merge"
        SPLIT = "split"
        STAFF_MERGE = "staff_merge"
        UNDO = "undo"
        CUT = "cut"

    at = models.DateTimeField()
    kind = models.TextField(choices=Kind.choices)
    actor_id = models.IntegerField(null=True)
    reason = models.TextField(default="")
    before = models.JSONField()
    after = models.JSONField()
    message_key = models.UUIDField(null=True)
    customer_ids = ArrayField(models.BigIntegerField())  # everyone in before and after
    decisions = models.JSONField(default=list)  # [["made" | "withdrawn", link id]…] of the staff
    undone_by = models.BigIntegerField(null=True)

    class Meta:
        db_table = "merge_operations"
        indexes: ClassVar = [
            models.Index(fields=["-at"], name="merge_operations_at"),
            GinIndex(fields=["customer_ids"], name="merge_operations_customers"),
        ]


class Suggestion(models.Model):
    """Two customers that may be one, for a person to decide."""

    class State(models.TextChoices):
        OPEN = "open"
        ACCEPTED = "accepted"
        DECLINED = "declined"

    a_id = models.BigIntegerField()
    b_id = models.BigIntegerField()
    reason = models.TextField()
    evidence = models.JSONField()
    state = models.TextField(choices=State.choices, default=State.OPEN)
    created_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    decided_by = models.IntegerField(null=True)

    class Meta:
        db_table = "suggestions"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["a_id", "b_id", "reason"], name="suggestions_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["b_id"], name="suggestions_b"),
            models.Index(fields=["state", "-created_at"], name="suggestions_state"),
        ]


class IdentityChange(models.Model):
    """A change of the partition whose customers are yet to be counted anew: see settling.py."""

    customer_ids = ArrayField(models.BigIntegerField())

    class Meta:
        db_table = "identity_changes"
