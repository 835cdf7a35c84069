"""What is asked: surveys, the versions of their words, and their sampling, as data."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from typing import Any

from touchloop.core.db import Connection
from touchloop.core.errors import Invalid, NotFound

NPS, CSAT, CES = "nps", "csat", "ces"
SCALES = {NPS: (0, 10), CSAT: (1, 5), CES: (1, 7)}  # CES 2.0 counts agreement: 1 is hardest
POOR = {NPS: 6, CSAT: 2, CES: 2}  # up to here the answer opens a case
RATING = (1, 5)  # of the further questions
QUARANTINE_DAYS = 90.0
MOST_RATINGS = 6


@dataclass(frozen=True, slots=True)
class Rating:
    """A further question of a version, answered on five points. `id` stays over versions."""

    id: str
    question: str


@dataclass(frozen=True, slots=True)
class Words:
    """What a person reads. `why` is the open question after the score."""

    question: str
    low: str
    high: str
    why: str
    ratings: tuple[Rating, ...] = ()
    thanks: str = ""


@dataclass(frozen=True, slots=True)
class Survey:
    """A survey as other rooms see it.

    `event` is the interaction after which it asks (at touchpoints of `channel`, or all);
    `share` of those are drawn. `own_clock`: other surveys' invitations do not hold it back, nor it
    theirs; for asking again after a case. `via` are the channels of the invitation by preference.
    """

    id: int
    slug: str
    name: str
    kind: str
    privacy: str
    version: int
    live: bool
    event: str
    channel: str
    share: float
    seed: bytes
    fresh_hours: float
    delay_minutes: float
    expires_days: float
    quarantine_days: float
    own_clock: bool
    via: tuple[str, ...]
    template: str
    topic: str
    created_at: datetime
    words: Words

    @property
    def scale(self) -> tuple[int, int]:
        return SCALES[self.kind]

    @property
    def identified(self) -> bool:
        return self.privacy == "identified"


@dataclass(frozen=True, slots=True)
class Design:
    """What somebody chooses when they make a survey; the words apart."""

    slug: str
    name: str
    kind: str
    words: Words
    privacy: str = "identified"
    event: str = ""
    channel: str = ""
    share: float = 1.0
    fresh_hours: float = 48.0
    delay_minutes: float = 60.0
    expires_days: float = 14.0
    quarantine_days: float = QUARANTINE_DAYS
    own_clock: bool = False
    via: tuple[str, ...] = ("email",)
    template: str = "survey"
    topic: str = "surveys"
    live: bool = field(default=False)


def create(conn: Connection, design: Design, *, by: int | None, now: datetime) -> Survey:
    """Make a survey, with a new seed. Raises Invalid, also for privacy `anonymous`."""
    _check(design)
    if conn.execute("SELECT 1 FROM surveys WHERE slug = %s", (design.slug,)).fetchone():
        raise Invalid("slug", "is taken by another survey")
    columns = _columns(design) | {"seed": secrets.token_bytes(16), "version": 1, "created_at": now}
    row = conn.execute(
        f"INSERT INTO surveys ({', '.join(columns)})"
        f" VALUES ({', '.join(f'%({name})s' for name in columns)}) RETURNING id",
        columns,
    ).fetchone()
    assert row is not None
    _keep_words(conn, row[0], 1, design.words, by, now)
    return get(conn, row[0])


def change(
    conn: Connection, survey_id: int, *, by: int | None, now: datetime, **changes: Any
) -> Survey:
    """Change fields of `Design`; other words make a new version.

    Kind and privacy stay as they were collected. Raises Invalid, NotFound.
    """
    old = get(conn, survey_id, lock=True)
    known = {each.name for each in fields(Design)} - {"slug", "kind", "privacy"}
    for name in changes:
        if name not in known:
            raise Invalid(name, "cannot be changed: make another survey")
    was = Design(**{each.name: getattr(old, each.name) for each in fields(Design)})
    design = replace(was, **changes)
    _check(design)
    version = old.version + (design.words != old.words)
    columns = _columns(design) | {"version": version}
    conn.execute(
        f"UPDATE surveys SET {', '.join(f'{name} = %({name})s' for name in columns)}"
        " WHERE id = %(id)s",
        columns | {"id": survey_id},
    )
    if version != old.version:
        _keep_words(conn, survey_id, version, design.words, by, now)
    return get(conn, survey_id)


def get(conn: Connection, survey_id: int, *, lock: bool = False) -> Survey:
    """One survey with its current words. Raises NotFound."""
    return _one(conn, "s.id = %s" + (" FOR UPDATE OF s" if lock else ""), survey_id)


def by_slug(conn: Connection, slug: str) -> Survey:
    """One survey by its name in addresses. Raises NotFound."""
    return _one(conn, "s.slug = %s", slug)


def listing(conn: Connection) -> list[Survey]:
    """All surveys: the live ones first, then by name."""
    return [_survey(row) for row in conn.execute(f"{_READ} ORDER BY NOT s.live, s.name").fetchall()]


def live(conn: Connection) -> list[Survey]:
    """Those that ask after an event, now."""
    return [
        _survey(row)
        for row in conn.execute(
            f"{_READ} WHERE s.live AND s.event <> '' ORDER BY s.own_clock DESC, s.id"
        ).fetchall()
    ]


def words_of(conn: Connection, survey_id: int, version: int) -> Words:
    """The words of one version. Raises NotFound."""
    row = conn.execute(
        "SELECT words FROM survey_versions WHERE survey_id = %s AND version = %s",
        (survey_id, version),
    ).fetchone()
    if row is None:
        raise NotFound("There is no such version of this survey.")
    return _words(row[0])


def set_share(
    conn: Connection, survey_id: int, *, touchpoint: tuple[str, str], share: float | None
) -> None:
    """How large a share is asked at one touchpoint; None: as everywhere. Raises Invalid."""
    channel, location = touchpoint
    get(conn, survey_id)
    if share is None:
        conn.execute(
            "DELETE FROM survey_shares WHERE survey_id = %s AND channel = %s AND location = %s",
            (survey_id, channel, location),
        )
        return
    _between("share", share, 0.0, 1.0)
    conn.execute(
        "INSERT INTO survey_shares (survey_id, channel, location, share) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT (survey_id, channel, location) DO UPDATE SET share = excluded.share",
        (survey_id, channel, location, share),
    )


def shares(conn: Connection, survey_id: int) -> dict[tuple[str, str], float]:
    """The shares of touchpoints that differ from the survey's own."""
    rows = conn.execute(
        "SELECT channel, location, share FROM survey_shares WHERE survey_id = %s", (survey_id,)
    ).fetchall()
    return {(row[0], row[1]): row[2] for row in rows}


def quarantine_days(conn: Connection) -> float:
    """Days for which nobody is asked again, whichever survey it was."""
    row = conn.execute("SELECT quarantine_days FROM survey_policy WHERE id = 1").fetchone()
    return float(row[0]) if row else QUARANTINE_DAYS


def set_quarantine_days(conn: Connection, days: float) -> None:
    """Change what `quarantine_days` says. Raises Invalid."""
    _between("quarantine_days", days, 0.0, 3650.0)
    conn.execute(
        "INSERT INTO survey_policy (id, quarantine_days) VALUES (1, %s)"
        " ON CONFLICT (id) DO UPDATE SET quarantine_days = excluded.quarantine_days",
        (days,),
    )


def _check(design: Design) -> None:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", design.slug) or len(design.slug) > 60:
        raise Invalid("slug", "use small letters, digits and single hyphens, at most 60")
    if design.kind not in SCALES:
        raise Invalid("kind", f"must be one of {', '.join(SCALES)}")
    if design.privacy == "anonymous":
        raise Invalid(
            "privacy",
            "answers without any key of a person are not offered: an invitation has one. Choose"
            " confidential: units then see groups only",
        )
    if design.privacy not in ("identified", "confidential"):
        raise Invalid("privacy", "must be identified or confidential")
    for name in ("name", "template", "topic"):
        if not getattr(design, name).strip():
            raise Invalid(name, "must not be empty")
    if not design.via:
        raise Invalid("via", "name at least one channel for the invitation")
    _between("share", design.share, 0.0, 1.0)
    _between("fresh_hours", design.fresh_hours, 0.0, 24.0 * 90)
    _between("delay_minutes", design.delay_minutes, 0.0, 60.0 * 24 * 30)
    _between("expires_days", design.expires_days, 0.01, 365.0)
    _between("quarantine_days", design.quarantine_days, 0.0, 3650.0)
    _check_words(design.words)


def _check_words(words: Words) -> None:
    for name in ("question", "low", "high", "why"):
        if not getattr(words, name).strip():
            raise Invalid(name, "must not be empty")
    if len(words.ratings) > MOST_RATINGS:
        raise Invalid("ratings", f"at most {MOST_RATINGS}: every further question costs answers")
    ids = [rating.id for rating in words.ratings]
    if len(set(ids)) < len(ids) or not all(re.fullmatch(r"[a-z][a-z0-9_]{0,30}", id) for id in ids):
        raise Invalid("ratings", "each needs an id of its own, of small letters and digits")
    if not all(rating.question.strip() for rating in words.ratings):
        raise Invalid("ratings", "a question must not be empty")


def _between(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise Invalid(name, f"must be from {least:g} to {most:g}")


def _columns(design: Design) -> dict[str, Any]:
    columns = {each.name: getattr(design, each.name) for each in fields(Design)}
    del columns["words"]
    return columns | {"via": list(design.via), "name": design.name.strip()}


def _keep_words(
    conn: Connection, survey_id: int, version: int, words: Words, by: int | None, now: datetime
) -> None:
    conn.execute(
        "INSERT INTO survey_versions (survey_id, version, words, at, by)"
        " VALUES (%s, %s, %s::jsonb, %s, %s)",
        (survey_id, version, json.dumps(asdict(words)), now, by),
    )


def _one(conn: Connection, where: str, value: int | str) -> Survey:
    row = conn.execute(f"{_READ} WHERE {where}", (value,)).fetchone()
    if row is None:
        raise NotFound("There is no such survey.")
    return _survey(row)


def _survey(row: tuple[Any, ...]) -> Survey:
    values = dict(zip(_NAMES, row[:-1], strict=True))
    values |= {"seed": bytes(values["seed"]), "via": tuple(values["via"])}
    return Survey(**values, words=_words(row[-1]))


def _words(stored: Mapping[str, Any]) -> Words:
    ratings = tuple(Rating(**each) for each in stored["ratings"])
    return Words(**{**stored, "ratings": ratings})


_NAMES = tuple(each.name for each in fields(Survey) if each.name != "words")
_READ = f"""
SELECT {", ".join(f"s.{name}" for name in _NAMES)}, v.words
FROM surveys s JOIN survey_versions v ON v.survey_id = s.id AND v.version = s.version
"""
