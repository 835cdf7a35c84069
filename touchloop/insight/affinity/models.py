"""The tables of what goes with what: sums over everybody, never about one customer."""

from __future__ import annotations

from django.db import models


class Count(models.Model):
    """The last counting of one level (category or product): its window, its sums, its words."""

    level = models.TextField(primary_key=True)
    at = models.DateTimeField()
    since = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)
    baskets = models.BigIntegerField()
    households = models.BigIntegerField()
    left_out = models.BigIntegerField()
    tested = models.BigIntegerField()
    words = models.JSONField()

    class Meta:
        db_table = "affinity_counts"


class Pair(models.Model):
    """Two items, a before b by name: on the same trips, and in the same households.

    `q` and `home_q` are the p of the two lifts after the correction for all pairs tested. `ratio`
    is what was bought on the same trips beyond what these households' trips of that size give.
    """

    level = models.TextField()
    a = models.TextField()
    b = models.TextField()
    a_department = models.TextField()
    b_department = models.TextField()
    n_both = models.BigIntegerField()
    in_a = models.BigIntegerField()
    in_b = models.BigIntegerField()
    lift = models.FloatField()
    low = models.FloatField()
    high = models.FloatField()
    q = models.FloatField()
    home_both = models.BigIntegerField()
    home_a = models.BigIntegerField()
    home_b = models.BigIntegerField()
    home_lift = models.FloatField()
    home_low = models.FloatField()
    home_high = models.FloatField()
    home_q = models.FloatField()
    ratio = models.FloatField(null=True)
    ratio_low = models.FloatField(null=True)
    ratio_high = models.FloatField(null=True)
    relation = models.TextField()

    class Meta:
        db_table = "affinity_pairs"
        constraints = [
            models.UniqueConstraint(fields=["level", "a", "b"], name="affinity_pairs_once"),
        ]


class Cut(models.Model):
    """A pair in one store, or in one quarter of the year."""

    level = models.TextField()
    cut = models.TextField()
    place = models.TextField()
    a = models.TextField()
    b = models.TextField()
    n_both = models.BigIntegerField()
    in_a = models.BigIntegerField()
    in_b = models.BigIntegerField()
    n = models.BigIntegerField()
    lift = models.FloatField()
    low = models.FloatField()
    high = models.FloatField()
    q = models.FloatField()

    class Meta:
        db_table = "affinity_cuts"
        indexes = [models.Index(fields=["level", "cut", "place"], name="affinity_cuts_place")]


class Family(models.Model):
    """A department, category or product of the lines, and what people made of it.

    `name` and `parent` are the lines' own; `new_name` and `new_parent` are those of the house.
    What is not `offered` is counted, and never recommended.
    """

    level = models.TextField()
    key = models.TextField()
    parent = models.TextField()
    new_name = models.TextField(default="")
    new_parent = models.TextField(default="")
    offered = models.BooleanField(default=True)
    version = models.IntegerField(default=0)
    baskets = models.BigIntegerField(default=0)
    households = models.BigIntegerField(default=0)
    amount = models.FloatField(default=0)
    entries = models.BigIntegerField(default=0)

    class Meta:
        db_table = "affinity_families"
        constraints = [
            models.UniqueConstraint(fields=["level", "key"], name="affinity_families_once"),
        ]


class FamilyVersion(models.Model):
    """One change that somebody made to a family."""

    family = models.ForeignKey(Family, on_delete=models.CASCADE, related_name="+")
    version = models.IntegerField()
    new_name = models.TextField()
    new_parent = models.TextField()
    offered = models.BooleanField()
    at = models.DateTimeField()
    actor_id = models.IntegerField(null=True)

    class Meta:
        db_table = "affinity_family_versions"
        constraints = [
            models.UniqueConstraint(fields=["family", "version"], name="affinity_versions_once"),
        ]


class Idea(models.Model):
    """Something worth trying with two items, what it may bring, and on which assumption."""

    kind = models.TextField()
    level = models.TextField()
    strong = models.TextField()
    slow = models.TextField()
    open_to = models.BigIntegerField()
    gain = models.FloatField()
    low = models.FloatField()
    high = models.FloatField()
    amount = models.FloatField()
    words = models.TextField()

    class Meta:
        db_table = "affinity_ideas"
