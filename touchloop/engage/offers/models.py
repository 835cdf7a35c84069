"""The tables of offers. What an offer says is one definition, read through `definition.py`."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Offer(models.Model):
    """Something the company may propose, as it stands now."""

    id = models.AutoField(primary_key=True)
    slug = models.TextField(unique=True)
    name = models.TextField()
    sentence = models.TextField(default="")
    state = models.TextField(default="draft")
    definition = models.JSONField()
    version = models.IntegerField(default=1)
    created_by = models.IntegerField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        db_table = "offers"
        constraints: ClassVar = [
            models.CheckConstraint(
                name="offers_state",
                condition=models.Q(state__in=["draft", "live", "paused", "ended"]),
            )
        ]


class OfferVersion(models.Model):
    """Every definition and name an offer ever had; decisions replay from these."""

    offer = models.ForeignKey(Offer, on_delete=models.CASCADE, related_name="+")
    version = models.IntegerField()
    name = models.TextField()
    sentence = models.TextField(default="")
    definition = models.JSONField()
    at = models.DateTimeField()
    actor_id = models.IntegerField(null=True)

    class Meta:
        db_table = "offer_versions"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["offer", "version"], name="offer_versions_once")
        ]


class Treatment(models.Model):
    """How an offer looks at one channel and placement ("" for any place of the channel)."""

    offer = models.ForeignKey(Offer, on_delete=models.CASCADE, related_name="+")
    channel = models.TextField()
    placement = models.TextField(default="")
    template = models.TextField(default="")
    texts = models.JSONField(default=dict)

    class Meta:
        db_table = "treatments"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["offer", "channel", "placement"], name="treatments_once"
            )
        ]


class OfferBook(models.Model):
    """Which versions were live together. A change of any offer is a new book."""

    id = models.AutoField(primary_key=True)
    at = models.DateTimeField()
    offers = models.JSONField()  # [[offer id, version], …] in the order of their ids
    segments = models.JSONField(default=dict)  # the names of those asked about, as they were then

    class Meta:
        db_table = "offer_books"
