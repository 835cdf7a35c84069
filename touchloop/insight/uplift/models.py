"""The table of uplift: experiments that are over, person by person."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class UpliftTrial(models.Model):
    """Somebody came to an offer that has a holdout, or joined a campaign with one; on which side,
    and whether the goal came.
    """

    pk = models.CompositePrimaryKey("offer", "subject_id")
    offer = models.TextField()  # its slug; that of a campaign stands behind "campaign:"
    subject_id = models.BigIntegerField()
    treated = models.BooleanField()
    arm = models.TextField(default="", db_default="")  # which treatment, where there are several
    outcome = models.FloatField()  # 1: the goal was reached in time
    at = models.DateTimeField()  # when the sides parted: what came later is no feature
    until = models.DateTimeField()  # when the time for the goal was over

    class Meta:
        db_table = "uplift_trials"
        indexes: ClassVar = [
            models.Index(fields=["subject_id"], name="uplift_trials_subject"),
            models.Index(fields=["until"], name="uplift_trials_until"),
        ]
