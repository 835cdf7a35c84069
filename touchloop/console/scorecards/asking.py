"""What of the scorecards an address asks for: kind, cut, time, place, with simulation or not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.core.cache import cache
from django.http import QueryDict
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from touchloop.console.cases import whom
from touchloop.core.accounts.api import Person
from touchloop.core.db import Connection
from touchloop.experience.scorecards.api import By, Card, Row, scorecard

KINDS: Mapping[str, str | Promise] = {
    "nps": gettext_lazy("Recommend (NPS)"),
    "csat": gettext_lazy("Satisfied (CSAT)"),
    "ces": gettext_lazy("Easy (CES)"),
}
CUTS: Mapping[By, str | Promise] = {
    "region": gettext_lazy("Regions"),
    "location": gettext_lazy("Stores"),
    "touchpoint": gettext_lazy("Touchpoints"),
    "stage": gettext_lazy("Stages"),
}
PERIODS = (
    (30, gettext_lazy("Last 30 days")),
    (90, gettext_lazy("Last 90 days")),
    (365, gettext_lazy("Last 12 months")),
)
USUAL_DAYS = 365
KEPT_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Asked:
    """The choices, and what the one who looks may see."""

    kind: str
    by: By
    region: str | None
    place: str
    channel: str
    stage: str | None
    days: int
    real: bool  # simulated answers are left out
    poor: bool
    now: datetime
    locations: frozenset[str] | None

    @property
    def since(self) -> datetime:
        return self.now - timedelta(days=self.days)

    def card(self, conn: Connection, by: By) -> Card:
        """The scorecard in this cut; of some seconds ago, as one goes from page to page."""
        seen = "everywhere" if self.locations is None else json.dumps(sorted(self.locations))
        words = f"{self.kind} {by} {self.days} {self.real} {seen}"
        key = f"scorecard.{hashlib.blake2b(words.encode(), digest_size=16).hexdigest()}"
        kept: Card | None = cache.get(key)
        if kept is None:
            kept = scorecard(
                conn,
                by=by,
                since=self.since,
                until=self.now,
                locations=self.locations,
                source="real" if self.real else None,
                kind=self.kind,
            )
            cache.set(key, kept, KEPT_SECONDS)
        return kept

    def words(self, **changes: object) -> str:
        """The choices as an address carries them, some of them changed; None takes one away."""
        kept: dict[str, object] = {
            "kind": self.kind,
            "by": self.by,
            "days": self.days if self.days != USUAL_DAYS else None,
            "without": "simulation" if self.real else None,
            **changes,
        }
        return urlencode({name: value for name, value in kept.items() if value is not None})

    def of_region(self, region: str) -> str:
        """Where the stores of a region stand."""
        return f"{reverse('scorecards')}?{self.words(by='location', region=region)}"

    def of_place(self, row: Row) -> str:
        """Where one store stands."""
        words = self.words(by=None, region=row.path[0], place=row.path[1])
        return f"{reverse('scorecard_place')}?{words}"

    def of_answers(self, row: Row, **changes: object) -> str:
        """Where the answers behind a row stand."""
        place: dict[str, object] = {"by": None}
        if row.path and self.by == "stage":
            place["stage"] = row.path[0]
        elif row.path:
            place["region"] = row.path[0]
            if len(row.path) > 1:
                place["place"] = row.path[1]
            if len(row.path) > 2:
                place["channel"] = row.path[2]
        return f"{reverse('scorecard_answers')}?{self.words(**place, **changes)}"


def read(asked: QueryDict, *, actor: Person, conn: Connection, now: datetime) -> Asked:
    """The choices of an address; what cannot be is as if it were not said."""
    known = kinds_answered(conn)
    kind = asked.get("kind", "")
    locations = whom.scope(actor)
    usual: By = "region" if locations is None else "location"
    by = next((each for each in CUTS if each == asked.get("by")), usual)
    days = asked.get("days", "")
    return Asked(
        kind=kind if kind in KINDS else (known[0] if known else "nps"),
        by=by,
        region=asked.get("region"),
        place=asked.get("place", ""),
        channel=asked.get("channel", ""),
        stage=asked.get("stage"),
        days=int(days) if days in {str(each) for each, _label in PERIODS} else USUAL_DAYS,
        real=asked.get("without") == "simulation",
        poor="poor" in asked,
        now=now,
        locations=locations,
    )


def kinds_answered(conn: Connection) -> list[str]:
    """The kinds of which there are answers, in their usual order."""
    rows = conn.execute(
        "SELECT k FROM unnest(%s::text[]) WITH ORDINALITY AS w(k, place)"
        " WHERE EXISTS (SELECT 1 FROM answers a WHERE a.kind = k) ORDER BY place",
        (list(KINDS),),
    ).fetchall()
    return [row[0] for row in rows]
