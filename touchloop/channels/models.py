"""Tables of what leaves the house."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from touchloop.channels.email.models import (
    DemoMail,
    MailReturn,
    MessageLink,
    MessageTemplate,
    MessageTouch,
    Topic,
)

__all__ = ["DemoMail", "MailReturn", "MessageLink", "MessageTemplate", "MessageTouch", "Topic"]

OPEN = Q(state__in=["queued", "deferred", "claimed"])
WAITING = Q(state__in=["queued", "deferred"])


class Delivery(models.Model):
    """One message to one customer on one channel, and what became of it.

    Guarantees: one row for each cause; each change of `state` and its news are one transaction.
    """

    class State(models.TextChoices):
        QUEUED = "queued"
        DEFERRED = "deferred"  # waits for its next allowed moment
        CLAIMED = "claimed"  # being handed over just now
        HANDED = "handed"
        CONFIRMED = "confirmed"
        UNCERTAIN = "uncertain"
        BOUNCED = "bounced"
        COMPLAINED = "complained"
        SUPPRESSED = "suppressed"
        DROPPED = "dropped"

    subject_id = models.BigIntegerField()
    kind = models.TextField()
    topic = models.TextField(default="")
    channel = models.TextField()
    address = models.TextField(default="")
    template = models.TextField(default="")
    template_version = models.IntegerField(default=0)
    data = models.JSONField(default=dict)
    cause = models.TextField(unique=True)
    state = models.TextField(choices=State.choices)
    reason = models.TextField(default="")
    detail = models.TextField(default="", db_default="")
    not_before = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    offer = models.TextField(default="")
    decision_id = models.UUIDField(null=True)
    campaign_id = models.BigIntegerField(null=True)
    trigger_id = models.BigIntegerField(null=True)
    message_id = models.TextField()
    attempts = models.SmallIntegerField(default=0, db_default=0)
    answer = models.TextField(default="", db_default="")
    created_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)
    handed_at = models.DateTimeField(null=True)
    outcome_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "deliveries"
        indexes: ClassVar = [
            models.Index(
                fields=["channel", "kind", "not_before", "id"],
                name="deliveries_due",
                condition=WAITING,
            ),
            models.Index(
                fields=["claimed_at"], name="deliveries_claimed", condition=Q(state="claimed")
            ),
            models.Index(fields=["expires_at"], name="deliveries_expiring", condition=WAITING),
            models.Index(fields=["subject_id", "-id"], name="deliveries_subject"),
            models.Index(
                fields=["campaign_id", "state"],
                name="deliveries_campaign",
                condition=Q(campaign_id__isnull=False),
            ),
            models.Index(
                fields=["trigger_id", "state"],
                name="deliveries_trigger",
                condition=Q(trigger_id__isnull=False),
            ),
        ]


class Contact(models.Model):
    """The ledger of pressure: one row each time the company reached a customer, on any channel."""

    class Direction(models.IntegerChoices):
        IN = 0  # the customer had come: a prompt at the till, on an agent's screen
        OUT = 1

    subject_id = models.BigIntegerField()
    kind = models.TextField()
    channel = models.TextField()
    direction = models.SmallIntegerField(choices=Direction.choices)
    at = models.DateTimeField()
    cause = models.TextField(unique=True)

    class Meta:
        db_table = "contacts"
        indexes: ClassVar = [models.Index(fields=["subject_id", "-at"], name="contacts_subject")]


class Suppression(models.Model):
    """Why a person must not be contacted, or not any more the reason; rows are only appended.

    Channel "" means every channel, address "" every address.
    """

    class Act(models.TextChoices):
        SUPPRESS = "suppress"
        LIFT = "lift"

    subject_id = models.BigIntegerField()
    channel = models.TextField(default="")
    address = models.TextField(default="")
    act = models.TextField(choices=Act.choices)
    reason = models.TextField()
    at = models.DateTimeField()
    actor_id = models.BigIntegerField(null=True)

    class Meta:
        db_table = "suppressions"
        indexes: ClassVar = [models.Index(fields=["subject_id"], name="suppressions_subject")]


class SuppressedAddress(models.Model):
    """An address that must not be written to, as a keyed hash: it outlives the person's erasure."""

    channel = models.TextField()
    address_key = models.TextField()
    act = models.TextField(choices=Suppression.Act.choices)
    reason = models.TextField()
    at = models.DateTimeField()

    class Meta:
        db_table = "suppressed_addresses"
        indexes: ClassVar = [models.Index(fields=["address_key"], name="suppressed_addresses_key")]


class ContactPace(models.Model):
    """How often a person wants to hear from the company: a pause, or at most so many a week."""

    subject_id = models.BigIntegerField(primary_key=True)
    paused_until = models.DateTimeField(null=True)
    per_week = models.SmallIntegerField(null=True)
    at = models.DateTimeField()

    class Meta:
        db_table = "contact_pace"


class ContactPolicy(models.Model):
    """The contact policy, one row for each version; the last one holds."""

    caps = models.JSONField()  # [[kind, "" for all together; hours; most]…]
    gap_hours = models.FloatField()
    quiet_from = models.SmallIntegerField()  # local hour
    quiet_until = models.SmallIntegerField()
    mute_days = models.SmallIntegerField()  # after a return began, without a refund
    zones = ArrayField(models.TextField())  # where customers may be whose zone is not known
    keep_hours = models.JSONField()  # how long a message waits at most, by kind
    at = models.DateTimeField()
    actor_id = models.BigIntegerField(null=True)

    class Meta:
        db_table = "contact_policy"


class WebhookEndpoint(models.Model):
    """An address that the webhook channel posts to, and the keys it signs with."""

    slug = models.TextField(unique=True)
    name = models.TextField()
    url = models.TextField()
    secret = models.TextField()
    former_secret = models.TextField(default="", db_default="")  # signed with as well: rotation
    enabled = models.BooleanField(default=True, db_default=True)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        db_table = "webhook_endpoints"
