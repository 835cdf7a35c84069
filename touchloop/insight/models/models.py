"""The tables of models: what was learned, and the runs that learned it."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models


class ModelVersion(models.Model):
    """One training's result, whole: what it learned from whom, how good it is, its numbers."""

    class State(models.TextChoices):
        IN_USE = "in_use"
        KEPT = "kept"  # stands by: replaced by a newer one, or not good enough; `word` says which
        ROLLED_BACK = "rolled_back"  # somebody put an older one in its place
        FAILED = "failed"  # may not be used: `word` says why

    kind = models.TextField()
    number = models.IntegerField()
    state = models.TextField(choices=State.choices)
    word = models.TextField(default="")  # why it stands as it does, in words
    purpose = models.TextField()
    trained_at = models.DateTimeField()
    seconds = models.FloatField()
    seed = models.BigIntegerField()
    code = models.TextField()  # the version of Touchloop that trained it
    since = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)
    n = models.BigIntegerField()
    people = models.BigIntegerField()  # customers who allow the purpose
    everybody = models.BigIntegerField()  # customers at that moment
    parameters = models.JSONField()
    metrics = models.JSONField()
    features = models.JSONField()
    words = models.JSONField()
    curves = models.JSONField()
    reference = models.JSONField()  # how inputs and scores lay at training, to compare with
    drift = models.JSONField()  # what moved since: see drifting.py
    blob = models.BinaryField(null=True)
    let_go = models.BooleanField(default=False)  # its blob is gone: it cannot be used again
    simulated = models.BooleanField(default=False)
    scored_at = models.DateTimeField(null=True)
    scored = models.BigIntegerField(default=0)
    score_names = ArrayField(models.TextField(), default=list)

    class Meta:
        db_table = "model_versions"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "number"], name="model_versions_number"),
            models.UniqueConstraint(
                fields=["kind"],
                condition=models.Q(state="in_use"),
                name="model_versions_one_in_use",
            ),
        ]


class ModelRun(models.Model):
    """One training or scoring: asked, begun, how far, and what became of it."""

    kind = models.TextField()
    act = models.TextField(default="train")  # train, score
    asked_at = models.DateTimeField()
    asked_by = models.IntegerField(null=True)  # staff; nobody: the schedule
    started_at = models.DateTimeField(null=True)
    step = models.TextField(default="")
    share = models.FloatField(default=0)
    cancel_asked_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    outcome = models.TextField(default="")  # done, nothing, cancelled, failed, lost
    error = models.TextField(default="")
    version_id = models.BigIntegerField(null=True)

    class Meta:
        db_table = "model_runs"
        indexes: ClassVar = [models.Index(fields=["kind", "-asked_at"], name="model_runs_kind")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["kind"],
                condition=models.Q(finished_at__isnull=True),
                name="model_runs_one_open",
            ),
        ]
