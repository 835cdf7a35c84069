"""Tables of the surveys."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Survey(models.Model):
    """What is asked, of whom, how often, and how it is sent.

    `seed` makes the drawing of the sample repeatable: who was drawn can be computed again.
    """

    class Kind(models.TextChoices):
        NPS = "nps"
        CSAT = "csat"
        CES = "ces"

    class Privacy(models.TextChoices):
        IDENTIFIED = "identified"
        CONFIDENTIAL = "confidential"

    id = models.AutoField(primary_key=True)
    slug = models.TextField(unique=True)
    name = models.TextField()
    kind = models.TextField(choices=Kind.choices)
    privacy = models.TextField(choices=Privacy.choices, default=Privacy.IDENTIFIED)
    version = models.IntegerField(default=1)
    live = models.BooleanField(default=False)
    event = models.TextField(default="", blank=True)  # the interaction after which it may ask
    channel = models.TextField(default="", blank=True)  # only at touchpoints of this channel
    share = models.FloatField(default=1.0)
    seed = models.BinaryField()
    fresh_hours = models.FloatField(default=48.0)
    delay_minutes = models.FloatField(default=60.0)
    expires_days = models.FloatField(default=14.0)
    quarantine_days = models.FloatField(default=90.0)
    own_clock = models.BooleanField(default=False)
    via = ArrayField(models.TextField(), default=list)
    template = models.TextField(default="survey")
    topic = models.TextField(default="surveys")
    created_at = models.DateTimeField()

    class Meta:
        db_table = "surveys"


class SurveyVersion(models.Model):
    """The words of a survey; answers name the version that was seen. Never changed."""

    pk = models.CompositePrimaryKey("survey_id", "version")
    survey_id = models.IntegerField()
    version = models.IntegerField()
    words = models.JSONField()
    at = models.DateTimeField()
    by = models.BigIntegerField(null=True)

    class Meta:
        db_table = "survey_versions"


class SurveyShare(models.Model):
    """The share that is asked at one touchpoint, where it differs from the survey's own."""

    pk = models.CompositePrimaryKey("survey_id", "channel", "location")
    survey_id = models.IntegerField()
    channel = models.TextField()
    location = models.TextField()
    share = models.FloatField()

    class Meta:
        db_table = "survey_shares"


class SurveyPolicy(models.Model):
    """What holds for all surveys together; one row."""

    id = models.SmallIntegerField(primary_key=True)
    quarantine_days = models.FloatField(default=90.0)

    class Meta:
        db_table = "survey_policy"


class Invitation(models.Model):
    """That somebody was asked, or could have been and was not, and why.

    Of the token only its hash is kept. One invitation at a time is on its way to a subject.
    """

    class State(models.TextChoices):
        INVITED = "invited"
        ANSWERED = "answered"
        EXPIRED = "expired"
        NOT_ASKED = "not_asked"

    subject_id = models.BigIntegerField()
    survey_id = models.IntegerField()
    version = models.IntegerField()
    cause = models.TextField(unique=True)
    channel = models.TextField(default="", blank=True)
    location = models.TextField(default="", blank=True)
    stage = models.TextField(default="", blank=True)
    mode = models.TextField(default="message")  # or `qr`
    state = models.TextField(choices=State.choices)
    reason = models.TextField(default="", blank=True)
    token_hash = models.BinaryField(null=True, unique=True)
    delivery_id = models.BigIntegerField(null=True)
    source = models.TextField(default="", blank=True)  # `simulation`, or nothing
    decided_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "invitations"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["subject_id"],
                name="invitations_one_pending",
                condition=models.Q(state="invited"),
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["subject_id", "-decided_at"], name="invitations_subject"),
            models.Index(fields=["survey_id", "decided_at"], name="invitations_survey"),
            models.Index(
                fields=["expires_at"],
                name="invitations_pending",
                condition=models.Q(state="invited"),
            ),
            models.Index(
                fields=["delivery_id"],
                name="invitations_delivery",
                condition=models.Q(delivery_id__isnull=False),
            ),
        ]


class Answer(models.Model):
    """What somebody answered to one invitation; once, and not read back by whoever answered."""

    invitation_id = models.BigIntegerField(unique=True)
    subject_id = models.BigIntegerField()
    survey_id = models.IntegerField()
    version = models.IntegerField()
    kind = models.TextField(choices=Survey.Kind.choices)
    score = models.SmallIntegerField()
    ratings = models.JSONField(default=dict)
    text = models.TextField(default="", blank=True)
    channel = models.TextField(default="", blank=True)
    location = models.TextField(default="", blank=True)
    stage = models.TextField(default="", blank=True)
    mode = models.TextField(default="message")
    source = models.TextField(default="", blank=True)
    flags = ArrayField(models.TextField(), default=list)
    seconds = models.FloatField(null=True)  # between the page and its answer
    answered_at = models.DateTimeField()

    class Meta:
        db_table = "answers"
        indexes: ClassVar = [
            models.Index(fields=["answered_at"], name="answers_when"),
            models.Index(fields=["survey_id", "answered_at"], name="answers_survey"),
            models.Index(fields=["subject_id"], name="answers_subject"),
        ]
