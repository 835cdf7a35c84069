"""Tables of the cases."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

_UNFINISHED = models.Q(state__in=["open", "waiting"])


class Case(models.Model):
    """Something that a customer is owed an answer to, with an owner and a clock.

    While it waits for the customer the clock stands: `waiting_since` is set, and `due_at` moves by
    the time waited when it goes on.
    """

    class Kind(models.TextChoices):
        COMPLAINT = "complaint"
        DETRACTOR = "detractor"
        REQUEST = "request"

    class State(models.TextChoices):
        OPEN = "open"
        WAITING = "waiting"
        CLOSED = "closed"

    subject_id = models.BigIntegerField()
    kind = models.TextField(choices=Kind.choices)
    title = models.TextField()
    story = models.TextField(default="", blank=True)
    story_ids = ArrayField(models.BigIntegerField(), default=list)  # interactions, newest first
    cause = models.TextField(unique=True)
    channel = models.TextField(default="", blank=True)
    location = models.TextField(default="", blank=True)
    stage = models.TextField(default="", blank=True)
    state = models.TextField(choices=State.choices, default=State.OPEN)
    owner_id = models.BigIntegerField(null=True)
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField()
    waiting_since = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    resolution = models.TextField(default="", blank=True)
    reopened = models.SmallIntegerField(default=0)

    class Meta:
        db_table = "cases"
        indexes: ClassVar = [
            models.Index(fields=["subject_id"], name="cases_subject"),
            models.Index(fields=["due_at"], name="cases_unfinished", condition=_UNFINISHED),
            models.Index(fields=["location", "-opened_at"], name="cases_place"),
            models.Index(fields=["-opened_at"], name="cases_opened"),
        ]


class CaseEvent(models.Model):
    """What was done about a case, by whom: appended, never changed."""

    case_id = models.BigIntegerField()
    subject_id = models.BigIntegerField()
    at = models.DateTimeField()
    act = models.TextField()
    by = models.BigIntegerField(null=True)  # a member of staff; nobody when Touchloop did it
    text = models.TextField(default="", blank=True)
    detail = models.JSONField(default=dict)

    class Meta:
        db_table = "case_events"
        indexes: ClassVar = [
            models.Index(fields=["case_id", "id"], name="case_events_case"),
            models.Index(fields=["subject_id"], name="case_events_subject"),
        ]
