"""The templates that there are: saved as versions, read back, compiled once for each version."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final, LiteralString

from django.utils.translation import gettext as _
from liquid import BoundTemplate

from touchloop.channels.email import compiling, footer, naming
from touchloop.channels.email.language import template
from touchloop.channels.seam import KINDS
from touchloop.core import clock, locks
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid, NotFound

MARKUPS: Final = ("mjml", "html")
_SLUG: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,48}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Template:
    """One version of a message, as it was written; `html` is what its body came to."""

    id: int
    slug: str
    version: int
    name: str
    kind: str
    topic: str
    language: str
    subject: str
    markup: str
    body: str
    text: str
    html: str
    made_at: datetime
    made_by: int | None


@dataclass(frozen=True, slots=True)
class Topic:
    """What a customer may choose or leave."""

    slug: str
    name: str
    sentence: str


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """A version ready to be rendered: its links between marks, the house's words at its end.

    The same version is the same object, for as long as it is kept.
    """

    id: int
    kind: str
    topic: str
    language: str
    subject: BoundTemplate
    html: BoundTemplate
    text: BoundTemplate
    names_apart: bool  # the reader's words can be put in after rendering


def save(
    conn: Connection,
    *,
    slug: str,
    name: str,
    kind: str,
    subject: str,
    body: str,
    topic: str = "",
    markup: str = "mjml",
    text: str = "",
    language: str = "en",
    by: int | None = None,
) -> Template:
    """A new version, the first or the next. Raises Invalid, which names the field."""
    html = check(subject=subject, body=body, markup=markup, text=text)
    if not _SLUG.fullmatch(slug):
        raise Invalid("slug", _("Use small letters, digits and hyphens, like win-back."))
    if not name.strip():
        raise Invalid("name", _("Give the message a name."))
    if kind not in KINDS:
        raise Invalid("kind", _("Choose marketing, service or survey."))
    if kind != "service" and not _SLUG.fullmatch(topic):
        raise Invalid("topic", _("Choose a topic: it is what people can leave."))
    if topic:
        conn.execute(
            "INSERT INTO message_topics (slug, name, sentence, place) VALUES (%s, %s, '', 100)"
            " ON CONFLICT (slug) DO NOTHING",
            (topic, topic.replace("-", " ").capitalize()),
        )
    conn.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (locks.TEMPLATE, slug))
    row = conn.execute(
        _SAVE,
        {
            "slug": slug, "name": name.strip()[:200], "kind": kind, "topic": topic,
            "language": language, "subject": subject, "markup": markup, "body": body,
            "text": text, "html": html, "at": clock.now(), "by": by,
        },
    ).fetchone()  # fmt: skip
    assert row is not None
    return Template(*row)


def check(*, subject: str, body: str, markup: str, text: str = "") -> str:
    """The body as HTML, when subject, body and text can be sent. Raises Invalid."""
    if not subject.strip() or len(subject) > compiling.LONGEST_SUBJECT:
        raise Invalid("subject", _("Give the message a subject of at most 500 characters."))
    html = compiling.to_html(body, markup=markup)
    _compiled(0, "service", "", "en", subject, html, text)
    return html


def get(conn: Connection, slug: str, version: int = 0) -> Template:
    """One version; 0 is the newest. Raises NotFound."""
    row = conn.execute(_GET, {"slug": slug, "version": version}).fetchone()
    if row is None:
        raise NotFound(_("There is no message %s.") % slug)
    return Template(*row)


def listing(conn: Connection) -> list[Template]:
    """The newest version of each message, by name."""
    return [Template(*row) for row in conn.execute(_LISTING).fetchall()]


def history(conn: Connection, slug: str) -> list[Template]:
    """All versions of one message, the newest first."""
    return [Template(*row) for row in conn.execute(_HISTORY, (slug,)).fetchall()]


def newest(conn: Connection, slugs: Sequence[str]) -> Mapping[str, int]:
    """The current version of each message that exists, by its slug."""
    return dict(
        conn.execute(
            "SELECT slug, max(version) FROM message_templates WHERE slug = ANY(%s) GROUP BY slug",
            (list(slugs),),
        ).fetchall()
    )


def written(conn: Connection, wanted: Sequence[tuple[str, int]]) -> dict[tuple[str, int], Written]:
    """Versions ready to be rendered; what does not exist or cannot be read is left out."""
    rows = conn.execute(
        _WRITTEN, ([slug for slug, _v in wanted], [version for _s, version in wanted])
    ).fetchall()
    found = {}
    for slug, version, *row in rows:
        try:
            found[slug, version] = _compiled(*row)
        except Invalid:
            continue
    return found


def draft(
    *, subject: str, body: str, markup: str, text: str = "", kind: str = "marketing",
    topic: str = "", language: str = "en",
) -> Written:  # fmt: skip
    """What is not saved yet, ready to be looked at. Raises Invalid."""
    html = check(subject=subject, body=body, markup=markup, text=text)
    return _compiled(0, kind, topic, language, subject, html, text)


def topics(conn: Connection) -> list[Topic]:
    """What customers may choose, in its order."""
    rows = conn.execute("SELECT slug, name, sentence FROM message_topics ORDER BY place, name")
    return [Topic(*row) for row in rows.fetchall()]


def save_topic(conn: Connection, *, slug: str, name: str, sentence: str, place: int = 100) -> None:
    """Name a topic for customers. Raises Invalid."""
    if not _SLUG.fullmatch(slug) or not name.strip():
        raise Invalid("name", _("Give the topic a short name."))
    conn.execute(
        "INSERT INTO message_topics (slug, name, sentence, place) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT (slug) DO UPDATE SET name = excluded.name, sentence = excluded.sentence,"
        " place = excluded.place",
        (slug, name.strip()[:80], sentence.strip()[:300], place),
    )


@lru_cache(maxsize=500)
def _compiled(
    id: int, kind: str, topic: str, language: str, subject: str, html: str, text: str
) -> Written:
    page = footer.added_to_html(compiling.marked(html), language=language)
    words = compiling.with_marked_addresses(text) if text.strip() else compiling.derived_text(html)
    text = footer.added_to_text(words, language=language)
    return Written(
        id,
        kind,
        topic,
        language,
        template(subject, html=False, field="subject"),
        template(page, html=True, field="body"),
        template(text, html=False, field="text"),
        all(map(naming.apart, (subject, page, text))),
    )


_COLUMNS: Final[LiteralString] = (
    "id, slug, version, name, kind, topic, language, subject, markup, body, text, html,"
    " made_at, made_by"
)
_SAVE: Final[LiteralString] = f"""
INSERT INTO message_templates (slug, version, name, kind, topic, language, subject, markup, body,
                               text, html, made_at, made_by)
SELECT %(slug)s, coalesce(max(version), 0) + 1, %(name)s, %(kind)s, %(topic)s, %(language)s,
       %(subject)s, %(markup)s, %(body)s, %(text)s, %(html)s, %(at)s, %(by)s
  FROM message_templates WHERE slug = %(slug)s
RETURNING {_COLUMNS}
"""
_GET: Final[LiteralString] = f"""
SELECT {_COLUMNS} FROM message_templates
 WHERE slug = %(slug)s AND (version = %(version)s OR %(version)s = 0)
 ORDER BY version DESC LIMIT 1
"""
_LISTING: Final[LiteralString] = f"""
SELECT * FROM (SELECT DISTINCT ON (slug) {_COLUMNS} FROM message_templates
                ORDER BY slug, version DESC) AS newest
 ORDER BY name, slug
"""
_HISTORY: Final[LiteralString] = f"""
SELECT {_COLUMNS} FROM message_templates WHERE slug = %s ORDER BY version DESC
"""
_WRITTEN: Final[LiteralString] = """
SELECT t.slug, t.version, t.id, t.kind, t.topic, t.language, t.subject, t.html, t.text
  FROM message_templates t
  JOIN unnest(%s::text[], %s::int[]) AS wanted(slug, version)
    ON wanted.slug = t.slug AND wanted.version = t.version
"""
