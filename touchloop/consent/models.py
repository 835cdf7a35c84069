"""The two ledgers of consent. Rows are appended and never changed: see the migrations."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class UseGrant(models.Model):
    """What a person said about one purpose and one category of data ("" for all)."""

    subject_id = models.BigIntegerField()
    purpose = models.TextField()
    category = models.TextField(default="")
    state = models.TextField()
    basis = models.TextField(default="")
    notice_version = models.TextField(default="")
    language = models.TextField(default="")
    jurisdiction = models.TextField(default="")
    evidence = models.JSONField(default=dict)
    source_id = models.IntegerField()
    at = models.DateTimeField()
    message_key = models.UUIDField(null=True)

    class Meta:
        db_table = "use_grants"
        indexes: ClassVar = [models.Index(fields=["subject_id"], name="use_grants_subject")]


class ContactGrant(models.Model):
    """What a person said about one channel and one topic ("" for all)."""

    subject_id = models.BigIntegerField()
    channel = models.TextField()
    topic = models.TextField(default="")
    state = models.TextField()
    evidence = models.JSONField(default=dict)
    source_id = models.IntegerField()
    at = models.DateTimeField()
    message_key = models.UUIDField(null=True)

    class Meta:
        db_table = "contact_grants"
        indexes: ClassVar = [models.Index(fields=["subject_id"], name="contact_grants_subject")]
