"""Tables of the e-mail channel: what is sent, where its links lead, what came back."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Topic(models.Model):
    """What a customer may choose or leave: the rows of the preference page."""

    slug = models.TextField(unique=True)
    name = models.TextField()
    sentence = models.TextField(default="", blank=True)
    place = models.SmallIntegerField(default=100)

    class Meta:
        db_table = "message_topics"


class MessageTemplate(models.Model):
    """One version of a message. A version is never changed: what was sent can be shown again."""

    slug = models.TextField()
    version = models.IntegerField()
    name = models.TextField()
    kind = models.TextField()
    topic = models.TextField(default="", blank=True)
    language = models.TextField(default="en")
    subject = models.TextField()
    markup = models.TextField()
    body = models.TextField()
    text = models.TextField(default="", blank=True)
    # What the body came to: MJML compiled to HTML, Liquid still in it.
    html = models.TextField()
    made_at = models.DateTimeField()
    made_by = models.BigIntegerField(null=True)

    class Meta:
        db_table = "message_templates"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["slug", "version"], name="message_templates_version")
        ]


class MessageLink(models.Model):
    """An address that messages lead to; only its number travels in them.

    `made_at` is the day on which it was last put into a message, to which its age is counted.
    """

    address = models.TextField()
    digest = models.BinaryField(unique=True)
    made_at = models.DateTimeField()

    class Meta:
        db_table = "message_links"


class MessageTouch(models.Model):
    """A click or an opening, by whom it seems: a person, or a scanner and why we think so.

    `link_id` is 0 for an opening. Kept only of people who agreed to it.
    """

    delivery_id = models.BigIntegerField()
    subject_id = models.BigIntegerField()
    link_id = models.BigIntegerField(default=0)
    by = models.TextField()
    reason = models.TextField(default="", blank=True)
    at = models.DateTimeField()

    class Meta:
        db_table = "message_touches"
        indexes: ClassVar = [
            models.Index(fields=["delivery_id", "at"], name="message_touches_delivery"),
            models.Index(fields=["subject_id"], name="message_touches_subject"),
        ]


class MailReturn(models.Model):
    """A message that came back: a bounce or a complaint, and what was made of it."""

    delivery_id = models.BigIntegerField(null=True)
    subject_id = models.BigIntegerField(null=True)
    kind = models.TextField()
    word = models.TextField()
    reason = models.TextField(default="", blank=True)
    digest = models.BinaryField(unique=True)
    at = models.DateTimeField()

    class Meta:
        db_table = "mail_returns"
        indexes: ClassVar = [models.Index(fields=["subject_id"], name="mail_returns_subject")]


class DemoMail(models.Model):
    """The demo inbox: what the built-in receiver took in; nothing of it has left this machine."""

    delivery_id = models.BigIntegerField(null=True)
    subject_id = models.BigIntegerField(null=True)
    sender = models.TextField()
    recipient = models.TextField()
    subject = models.TextField(default="", blank=True)
    raw = models.BinaryField()
    at = models.DateTimeField()

    class Meta:
        db_table = "demo_inbox"
        indexes: ClassVar = [
            models.Index(fields=["-at"], name="demo_inbox_newest"),
            models.Index(fields=["subject_id"], name="demo_inbox_subject"),
        ]
