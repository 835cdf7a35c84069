"""Tables of the log."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now


class Source(models.Model):
    """Something that sends: a shop, a till, an app, a file, or Touchloop itself."""

    class Kind(models.TextChoices):
        WEB = "web"
        MOBILE = "mobile"
        SERVER = "server"
        TILL = "till"
        CALL_CENTRE = "call_centre"
        IMPORT = "import"
        SYSTEM = "system"
        DEMO = "demo"

    id = models.AutoField(primary_key=True)
    name = models.TextField()
    slug = models.TextField(unique=True)
    kind = models.TextField(choices=Kind.choices)
    channel = models.TextField()
    category = models.TextField()
    write_key = models.TextField(unique=True)
    enabled = models.BooleanField(default=True)
    require_signature = models.BooleanField(default=False)
    signing_secret = models.TextField(default="", blank=True)
    plan_mode = models.TextField(default="allow")
    plan = models.JSONField(default=dict, blank=True)
    trusted = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    last_seen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "sources"


class InboxBlock(models.Model):
    """Messages that the door has acknowledged and the flow has not yet taken, packed together."""

    payload = models.BinaryField()
    messages = models.IntegerField()
    bytes = models.IntegerField()
    attempts = models.SmallIntegerField(default=0, db_default=0)
    created_at = models.DateTimeField(db_default=Now())
    lane = models.SmallIntegerField(default=-1, db_default=-1)  # a customer keeps to a lane

    class Meta:
        db_table = "inbox"


class Kind(models.Model):
    """One entry in the catalogue of events: a type and a name that were seen."""

    id = models.AutoField(primary_key=True)
    type = models.TextField()
    name = models.TextField()
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    volume = models.BigIntegerField(default=0, db_default=0)
    example = models.JSONField(null=True)

    class Meta:
        db_table = "kinds"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["type", "name"], name="kinds_type_name")
        ]


class KindProperty(models.Model):
    """A property that messages of a kind carry, with the types it came in."""

    pk = models.CompositePrimaryKey("kind_id", "name")
    kind_id = models.IntegerField()
    name = models.TextField()
    types = models.JSONField(default=list)
    first_seen_at = models.DateTimeField()
    example = models.TextField(default="")

    class Meta:
        db_table = "kind_properties"


class Touchpoint(models.Model):
    """A place where customer and company meet: a channel at a location."""

    id = models.AutoField(primary_key=True)
    channel = models.TextField()
    location = models.TextField()
    name = models.TextField()
    region = models.TextField(default="", blank=True)
    stage = models.TextField(default="", blank=True)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()

    class Meta:
        db_table = "touchpoints"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["channel", "location"], name="touchpoints_place")
        ]


class Interaction(models.Model):
    """One immutable record: who, what, where, when, which way, from which source."""

    class Direction(models.IntegerChoices):
        IN = 0
        OUT = 1

    id = models.BigIntegerField(primary_key=True)
    subject_id = models.BigIntegerField()
    source_id = models.IntegerField()
    kind_id = models.IntegerField()
    touchpoint_id = models.IntegerField(null=True)
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField()
    direction = models.SmallIntegerField(choices=Direction.choices, default=0)
    value = models.FloatField(null=True)
    message_key = models.UUIDField()
    payload_hash = models.BigIntegerField()
    uses = models.IntegerField()
    body = models.TextField()

    class Meta:
        db_table = "interactions"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["message_key"], name="interactions_once")
        ]
        indexes: ClassVar = [
            models.Index(  # and all that segments read of the many, so that the log itself is not
                fields=["subject_id", "-occurred_at"],
                include=["id", "kind_id", "touchpoint_id", "value"],
                name="interactions_timeline",
            )
        ]


class InteractionLine(models.Model):
    """One product in an order, a cart or a return."""

    pk = models.CompositePrimaryKey("interaction_id", "line")
    interaction_id = models.BigIntegerField()
    line = models.IntegerField()
    subject_id = models.BigIntegerField()
    kind_id = models.IntegerField()
    occurred_at = models.DateTimeField()
    product_id = models.TextField(default="")
    name = models.TextField(default="")
    department = models.TextField(default="")
    category = models.TextField(default="")
    brand = models.TextField(default="")
    quantity = models.FloatField(null=True)
    price = models.FloatField(null=True)
    amount = models.FloatField(null=True)

    class Meta:
        db_table = "interaction_lines"
        indexes: ClassVar = [
            models.Index(fields=["subject_id", "occurred_at"], name="lines_by_subject")
        ]


class HeldMessage(models.Model):
    """A message set aside with its reason: in quarantine, or a dead letter."""

    class Shelf(models.TextChoices):
        QUARANTINE = "quarantine"
        DEAD_LETTER = "dead_letter"

    class State(models.TextChoices):
        HELD = "held"
        REPLAYED = "replayed"
        DISCARDED = "discarded"

    shelf = models.TextField(choices=Shelf.choices)
    source_id = models.IntegerField()
    message_key = models.UUIDField(null=True)
    message_id = models.TextField(default="")
    reason = models.TextField()
    detail = models.TextField(default="")
    record = models.BinaryField()
    received_at = models.DateTimeField()
    held_at = models.DateTimeField()
    attempts = models.IntegerField(default=0)
    state = models.TextField(choices=State.choices, default=State.HELD, db_default="held")
    decided_by = models.BigIntegerField(null=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "held_messages"
        indexes: ClassVar = [
            models.Index(fields=["state", "shelf", "-held_at"], name="held_by_state")
        ]


class Tally(models.Model):
    """How many messages of a source ended how on a day: one side of the conservation law."""

    pk = models.CompositePrimaryKey("source_id", "day", "outcome")
    source_id = models.IntegerField()
    day = models.DateField()
    outcome = models.TextField()
    n = models.BigIntegerField()

    class Meta:
        db_table = "tallies"
