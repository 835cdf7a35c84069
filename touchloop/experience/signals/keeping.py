"""Signals as they are kept: once for each cause, told as news, with a case if the rule says so."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from touchloop.core import arrays
from touchloop.core.db import Connection
from touchloop.experience.signals.rules import COMPLAINT, MAIL_COMPLAINT, Rule
from touchloop.interactions.api import News, tell
from touchloop.records.cases import api as cases


@dataclass(frozen=True, slots=True)
class Noticed:
    """A signal to keep. `story` are the customer's own words, for the case."""

    subject_id: int
    kind: str
    strength: float
    cause: str
    at: datetime
    channel: str = ""
    location: str = ""
    stage: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)
    story: str = ""


def keep(conn: Connection, noticed: Sequence[Noticed], rules: Mapping[str, Rule]) -> int:
    """Write signals and tell "Signal Noticed" of each new one; how many. Does not commit."""
    firsts = {each.cause: each for each in reversed(noticed)}
    new = sorted(firsts.values(), key=lambda each: each.cause)  # one order: nobody blocks another
    if not new:
        return 0
    made: dict[str, int] = dict(
        conn.execute(
            _KEEP,
            {
                "subjects": arrays.numbers(each.subject_id for each in new),
                "kinds": arrays.texts(each.kind for each in new),
                "strengths": arrays.numbers(each.strength for each in new),
                "channels": arrays.texts(each.channel for each in new),
                "locations": arrays.texts(each.location for each in new),
                "stages": arrays.texts(each.stage for each in new),
                "causes": arrays.texts(each.cause for each in new),
                "details": arrays.texts(json.dumps(dict(each.detail)) for each in new),
                "at": arrays.instants(each.at for each in new),
            },
        ).fetchall()
    )
    fresh = [(made[each.cause], each) for each in new if each.cause in made]
    tell(conn, [_news(id, each) for id, each in fresh])
    cases.open_all(conn, [_case(id, each) for id, each in fresh if rules[each.kind].opens_case])
    return len(fresh)


def _news(id: int, each: Noticed) -> News:
    return News(
        event="Signal Noticed",
        subject_id=each.subject_id,
        cause=f"signal:{id}",
        at=each.at,
        properties={
            "signal_id": id,
            "signal": each.kind,
            "strength": round(each.strength, 3),
            **each.detail,
        },
        channel=each.channel,
        location=each.location,
        stage=each.stage,
    )


def _case(id: int, each: Noticed) -> cases.NewCase:
    title = {
        COMPLAINT: _("A customer complained"),
        MAIL_COMPLAINT: _("A message was reported as unwanted"),
    }.get(each.kind, _("Signal: %s") % each.kind.replace("_", " "))
    return cases.NewCase(
        subject_id=each.subject_id,
        kind=cases.COMPLAINT,
        title=title,
        cause=f"signal:{id}",
        at=each.at,
        touchpoint=(each.channel, each.location),
        stage=each.stage,
        story=each.story,
    )


_KEEP = """
INSERT INTO signals (subject_id, kind, strength, channel, location, stage, cause, detail, at)
SELECT * FROM unnest(%(subjects)s::bigint[], %(kinds)s::text[], %(strengths)s::float8[],
  %(channels)s::text[], %(locations)s::text[], %(stages)s::text[], %(causes)s::text[],
  %(details)s::jsonb[], %(at)s::timestamptz[])
ON CONFLICT (cause) DO NOTHING RETURNING cause, id
"""
