"""What the room needs of e-mail: templates, a preview as one customer would get it, the inbox."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from touchloop.channels.api import email
from touchloop.core.db import Connection
from touchloop.core.errors import NotFound

Kept = email.Kept
Template = email.Template
Topic = email.Topic


@dataclass(frozen=True, slots=True)
class Draft:
    """A message that is being written."""

    subject: str
    body: str
    text: str = ""
    markup: str = "mjml"
    kind: str = "marketing"
    topic: str = ""
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Preview:
    """A message as one customer would get it; its personal links lead nowhere."""

    subject: str
    html: str
    text: str


def listing(conn: Connection) -> list[Template]:
    """The newest version of each template, by name."""
    return email.listing(conn)


def history(conn: Connection, slug: str) -> list[Template]:
    """All versions of one template, the newest first. Raises NotFound."""
    found = email.history(conn, slug)
    if not found:
        raise NotFound(slug)
    return found


def topics(conn: Connection) -> list[Topic]:
    """What customers may choose or leave."""
    return email.topics(conn)


def save(conn: Connection, draft: Draft, *, slug: str, name: str, by: int | None) -> Template:
    """A new version. Raises Invalid, which names the field."""
    return email.save(
        conn,
        slug=slug,
        name=name,
        kind=draft.kind,
        topic=draft.topic,
        subject=draft.subject,
        markup=draft.markup,
        body=draft.body,
        text=draft.text,
        language=draft.language,
        by=by,
    )


def preview(
    conn: Connection,
    draft: Draft,
    *,
    customer_id: int | None,
    data: Mapping[str, Any],
    now: datetime,
) -> Preview:
    """The draft as this customer, or nobody in particular, would get it. Raises Invalid."""
    written = email.draft(
        subject=draft.subject, body=draft.body, markup=draft.markup, text=draft.text,
        kind=draft.kind, topic=draft.topic, language=draft.language,
    )  # fmt: skip
    said = email.preview(conn, written, customer_id=customer_id, data=data, now=now)
    return Preview(" ".join(said.subject.split()), said.html, said.text)


def has_inbox(conn: Connection) -> bool:
    """Whether the demo's mail server has ever taken anything in."""
    return bool(email.inbox(conn, limit=1))


def received(conn: Connection, *, before: int, limit: int) -> list[Kept]:
    """What the demo's mail server took in, the newest first."""
    return email.inbox(conn, limit=limit, before=before)


def one_received(conn: Connection, id: int) -> Kept | None:
    """One message as it was received, decoded."""
    return email.inbox_mail(conn, id)
