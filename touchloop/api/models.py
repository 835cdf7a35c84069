"""The keys of the programs' door."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models


class ApiKey(models.Model):
    """A secret key: only its hash is kept, with its first characters so that people know it."""

    id = models.AutoField(primary_key=True)
    name = models.TextField()
    start = models.TextField()
    hash = models.BinaryField(unique=True)
    scopes = ArrayField(models.TextField())
    rate = models.IntegerField(default=5_000)  # requests a second
    created_at = models.DateTimeField()
    created_by = models.IntegerField(null=True)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "api_keys"
        indexes: ClassVar = [models.Index(fields=["-created_at"], name="api_keys_newest")]
