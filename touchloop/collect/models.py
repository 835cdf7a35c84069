"""Tables of the door: what was imported from files."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class ImportRun(models.Model):
    """One import of a file: what it was, who did it, and what became of its rows."""

    file_name = models.TextField()
    file_bytes = models.BigIntegerField()
    source_id = models.IntegerField()
    actor_id = models.BigIntegerField(null=True)
    mapping = models.JSONField()
    dry_run = models.BooleanField()
    state = models.TextField(default="running", db_default="running")  # running, done, failed
    counts = models.JSONField(default=dict)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "import_runs"
        indexes: ClassVar = [models.Index(fields=["-started_at"], name="import_runs_latest")]
