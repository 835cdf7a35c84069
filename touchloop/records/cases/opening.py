"""Opening: once for each cause, with the customer's story as it stood at that moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from touchloop.core import arrays
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid
from touchloop.interactions.api import News, tell

COMPLAINT, DETRACTOR, REQUEST = "complaint", "detractor", "request"
KINDS = (COMPLAINT, DETRACTOR, REQUEST)
HOURS = 48.0  # the usual time to answer in: experience.md §3, "Closed loop"
STORY = 12  # interactions that a story names
LONGEST = 24 * 365.0  # hours


@dataclass(frozen=True, slots=True)
class NewCase:
    """A case to open. `touchpoint` is (channel, location); `hours` is the time to answer in."""

    subject_id: int
    kind: str
    title: str
    cause: str
    at: datetime
    touchpoint: tuple[str, str] = ("", "")
    stage: str = ""
    hours: float = HOURS
    story: str = ""


def open_case(
    conn: Connection,
    *,
    subject_id: int,
    kind: str,
    title: str,
    cause: str,
    at: datetime,
    touchpoint: tuple[str, str] = ("", ""),
    stage: str = "",
    hours: float = HOURS,
    story: str = "",
) -> int | None:
    """Open one case; its id, or None when the cause has one already. See `open_all`."""
    wanted = NewCase(subject_id, kind, title, cause, at, touchpoint, stage, hours, story)
    return open_all(conn, [wanted])[0]


def open_all(conn: Connection, wanted: Sequence[NewCase]) -> list[int | None]:
    """Open cases as one set and tell "Case Opened" of each, in the caller's transaction.

    One id for each wanted case, None where its cause has a case already (of two with one cause in
    the same call the first is opened). Raises Invalid for an unknown kind, no title, no cause, or
    hours outside (0, 8760].
    """
    firsts = {each.cause: each for each in reversed(wanted)}
    new = sorted(firsts.values(), key=lambda each: each.cause)  # one order: no two callers block
    for each in new:
        _check(each)
    if not new:
        return []
    made: dict[str, int] = dict(
        conn.execute(
            _OPEN,
            {
                "subjects": arrays.numbers(each.subject_id for each in new),
                "kinds": arrays.texts(each.kind for each in new),
                "titles": arrays.texts(each.title.strip()[:200] for each in new),
                "stories": arrays.texts(each.story.strip() for each in new),
                "causes": arrays.texts(each.cause for each in new),
                "channels": arrays.texts(each.touchpoint[0] for each in new),
                "locations": arrays.texts(each.touchpoint[1] for each in new),
                "stages": arrays.texts(each.stage for each in new),
                "at": arrays.instants(each.at for each in new),
                "due": arrays.instants(each.at + timedelta(hours=each.hours) for each in new),
                "story_length": STORY,
            },
        ).fetchall()
    )
    tell(conn, [_opened(made[each.cause], each) for each in new if each.cause in made])
    return [made.get(each.cause) if firsts[each.cause] is each else None for each in wanted]


def _check(each: NewCase) -> None:
    if each.kind not in KINDS:
        raise Invalid("kind", f"must be one of {', '.join(KINDS)}")
    if not each.title.strip():
        raise Invalid("title", "say in a few words what the case is about")
    if not each.cause:
        raise Invalid("cause", "name what the case was opened for")
    if not 0 < each.hours <= LONGEST:
        raise Invalid("hours", f"must be more than 0 and at most {LONGEST:.0f}")


def _opened(case_id: int, each: NewCase) -> News:
    channel, location = each.touchpoint
    return News(
        event="Case Opened",
        subject_id=each.subject_id,
        cause=f"case:{case_id}:opened",
        at=each.at,
        properties={"case_id": case_id, "kind": each.kind, "title": each.title.strip()[:200]},
        channel=channel,
        location=location,
        stage=each.stage,
    )


# The story is ids, not copies: what is erased or merged later is so in the story too.
_OPEN = """
WITH wanted AS (
  SELECT * FROM unnest(%(subjects)s::bigint[], %(kinds)s::text[], %(titles)s::text[],
    %(stories)s::text[], %(causes)s::text[], %(channels)s::text[], %(locations)s::text[],
    %(stages)s::text[], %(at)s::timestamptz[], %(due)s::timestamptz[])
  AS w(subject_id, kind, title, story, cause, channel, location, stage, at, due_at)
), new AS (
  SELECT w.*, coalesce((
    SELECT array_agg(s.id ORDER BY s.occurred_at DESC, s.id DESC) FROM (
      SELECT n.id, n.occurred_at
      FROM identifiers me JOIN identifiers i ON i.customer_id = me.customer_id
      CROSS JOIN LATERAL (
        SELECT x.id, x.occurred_at FROM interactions x
        WHERE x.subject_id = i.id AND x.occurred_at <= w.at
        ORDER BY x.occurred_at DESC, x.id DESC LIMIT %(story_length)s
      ) n
      WHERE me.id = w.subject_id
      ORDER BY n.occurred_at DESC, n.id DESC LIMIT %(story_length)s
    ) s
  ), '{}') AS story_ids
  FROM wanted w WHERE NOT EXISTS (SELECT 1 FROM cases c WHERE c.cause = w.cause)
), opened AS (
  INSERT INTO cases (subject_id, kind, title, story, story_ids, cause, channel, location, stage,
    state, opened_at, due_at, resolution, reopened)
  SELECT subject_id, kind, title, story, story_ids, cause, channel, location, stage,
    'open', at, due_at, '', 0
  FROM new ORDER BY cause
  ON CONFLICT (cause) DO NOTHING
  RETURNING id, subject_id, cause, opened_at, due_at
), noted AS (
  INSERT INTO case_events (case_id, subject_id, at, act, text, detail)
  SELECT id, subject_id, opened_at, 'opened', '', jsonb_build_object('due_at', due_at) FROM opened
)
SELECT cause, id FROM opened
"""
