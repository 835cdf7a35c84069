"""Intent as it is said live: after each step of a visit, in the batch that brings the step.

What is known of a visit stands in one row for each visitor; a batch reads and writes the rows of
its visitors at once. While no model is in use a batch costs one small query.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from touchloop.consent import api as consent
from touchloop.core import arrays, clock
from touchloop.core.db import Connection
from touchloop.insight.models import api as models
from touchloop.insight.scores.intent import steps
from touchloop.insight.scores.intent.kind import BUY, CATEGORIES, LEAVE, NAME, classifiers
from touchloop.insight.scores.intent.steps import ACTS, CHANNELS, GAP_SECONDS, PAGES, PLACE
from touchloop.insight.scores.learner.classifier import Classifier
from touchloop.insight.segments import api as segments
from touchloop.interactions.api import Happened
from touchloop.profiles.api import ORDER

GAP = timedelta(seconds=GAP_SECONDS)
REASONS_FOR = 32  # visitors of a batch: trees take a millisecond for each; see `why`
_LOOK_SECONDS = 20.0
_SYSTEM = "system"


@dataclass(slots=True)
class Visit:
    """What is known of a visitor's visit so far, and of the time before it."""

    customer_id: int
    visits: int = 0
    orders: int = 0
    started_us: int = 0
    last_us: int = 0
    before_us: int = 0
    phone: bool = False
    referrer: str = ""
    counts: Sequence[int] = ()
    bought: bool = False

    def step(self, at_us: int, act: int, *, phone: bool, referrer: str | None) -> None:
        """One step more; after a silence another visit begins with it."""
        if not self.started_us or at_us - self.last_us > GAP_SECONDS * 1_000_000:
            if self.started_us:
                self.visits += 1
                self.orders += self.counts[PLACE["order"]]
            self.started_us = self.last_us = at_us
            self.phone, self.referrer = phone, steps.came_from(referrer)
            self.counts, self.bought = [0] * len(ACTS), False
        self.counts = list(self.counts)
        self.counts[act] += 1
        self.before_us, self.last_us = self.last_us, max(self.last_us, at_us)
        self.bought = self.bought or act == PLACE["order"]


def concerns(conn: Connection) -> frozenset[str]:
    """The names of the interactions that are steps of a visit; none while no model is in use."""
    if conn.execute(_IN_USE, (NAME,)).fetchone() is None:
        return frozenset()
    rows = conn.execute("SELECT name FROM kinds WHERE type = ANY(%s)", (list(PAGES),)).fetchall()
    return frozenset(steps.EVENTS).union(row[0] for row in rows)


def on_batch(conn: Connection, happened: Sequence[Happened], now: datetime) -> None:
    """Say anew what the visitors of this batch mean to do. In the caller's transaction."""
    came = _came(happened, now)
    if not came:
        return
    used = _in_use(conn)
    if used is None:
        return
    _sweep(conn, now)
    allowed = _allowed(conn, sorted(came))
    if not allowed:
        return
    visits = _read(conn, allowed)
    for customer_id in allowed:
        visit = visits.setdefault(customer_id, Visit(customer_id))
        for one in came[customer_id]:
            visit.step(
                clock.micros(one.occurred_at),
                PLACE[steps.act_of(one.type, one.name)],
                phone=one.channel == "mobile",
                referrer=_text(one.properties.get("referrer")),
            )
    _write(conn, visits.values())
    _say(conn, list(visits.values()), used, now)


def why(conn: Connection, customers: Sequence[int]) -> dict[int, list[str]]:
    """The reasons of what is said of these visitors now; nothing while no model is in use.

    In a large batch they are left out, for time; whoever looks at a visit asks for them here.
    """
    used = _in_use(conn)
    visits = [visit for visit in _read(conn, customers).values() if visit.counts]
    if used is None or BUY not in used.by_score or not visits:
        return {}
    found = used.by_score[BUY].reasons(_inputs(visits), told=steps.TOLD)
    return {visit.customer_id: reasons for visit, reasons in zip(visits, found, strict=True)}


def expire(conn: Connection, now: datetime) -> int:
    """Take back what was said of visits that are over; gives of how many visitors."""
    rows = conn.execute(
        "DELETE FROM scores WHERE name = ANY(%s) AND computed_at < %s RETURNING customer_id",
        ([BUY, LEAVE], now - GAP),
    ).fetchall()
    gone = sorted({row[0] for row in rows})
    _wake(conn, gone, now)
    return len(gone)


def _came(happened: Sequence[Happened], now: datetime) -> dict[int, list[Happened]]:
    """The steps of visits that are on now, by visitor, in the order in which they were taken."""
    found: dict[int, list[Happened]] = defaultdict(list)
    for one in happened:
        ours = one.channel in CHANNELS or (one.name == ORDER and not one.channel)
        step = one.type in PAGES or (one.type == "track" and one.name in steps.EVENTS)
        if ours and step and one.source_kind != _SYSTEM and now - one.occurred_at <= GAP:
            found[one.customer_id].append(one)
    for steps_taken in found.values():
        steps_taken.sort(key=lambda one: (one.occurred_at, one.interaction_id))
    return found


@dataclass(frozen=True, slots=True)
class _Used:
    version: int
    by_score: Mapping[str, Classifier]


_cache: dict[tuple[int, datetime], _Used] = {}


def _in_use(conn: Connection) -> _Used | None:
    """The version in use; read whole only when it is another one."""
    row = conn.execute(_IN_USE, (NAME,)).fetchone()
    if row is None:
        return None
    key = (int(row[0]), row[1])
    if key not in _cache:
        found = _Used(key[0], classifiers(models.learned(conn, key[0])))
        _cache.clear()
        _cache[key] = found
    return _cache[key]


_swept = [0.0]


def _sweep(conn: Connection, now: datetime) -> None:
    """Now and then; whoever is silent is swept by the duties of the worker."""
    if time.monotonic() - _swept[0] >= _LOOK_SECONDS:
        _swept[0] = time.monotonic()
        expire(conn, now)


def _allowed(conn: Connection, ids: Sequence[int]) -> list[int]:
    people = consent.read(conn, ids)
    return [
        id
        for id in ids
        if consent.decide(
            people.get(id, consent.NOBODY_SAID_ANYTHING), purpose="profile", categories=CATEGORIES
        ).allowed
    ]


def _read(conn: Connection, ids: Sequence[int]) -> dict[int, Visit]:
    return {row[0]: Visit(*row) for row in conn.execute(_READ, (arrays.numbers(ids),)).fetchall()}


def _write(conn: Connection, visits: Iterable[Visit]) -> None:
    found = list(visits)
    conn.execute(
        _WRITTEN,
        (
            arrays.numbers(v.customer_id for v in found),
            arrays.numbers(v.visits for v in found),
            arrays.numbers(v.orders for v in found),
            arrays.numbers(v.started_us for v in found),
            arrays.numbers(v.last_us for v in found),
            arrays.numbers(v.before_us for v in found),
            [v.phone for v in found],
            arrays.texts(v.referrer for v in found),
            arrays.texts("{" + ",".join(map(str, v.counts)) + "}" for v in found),
            [v.bought for v in found],
        ),
    )


def _say(conn: Connection, visits: Sequence[Visit], used: _Used, now: datetime) -> None:
    """Scores of those who have not bought yet; of the others they are taken back."""
    open_visits = [visit for visit in visits if not visit.bought]
    bought = [visit.customer_id for visit in visits if visit.bought]
    if bought:
        conn.execute(
            "DELETE FROM scores WHERE name = ANY(%s) AND customer_id = ANY(%s::bigint[])",
            ([BUY, LEAVE], arrays.numbers(bought)),
        )
    if open_visits:
        table = _inputs(open_visits)
        ends = round(GAP.total_seconds())
        most = REASONS_FOR if len(open_visits) <= REASONS_FOR else 0
        for name, classifier in used.by_score.items():
            values = classifier.probabilities(table)
            low, high = classifier.intervals(values)
            reasons = classifier.reasons(table.slice(0, most), told=steps.TOLD)
            said = [
                json.dumps(
                    {
                        "reasons": reasons[i] if i < len(reasons) else [],
                        "low": round(float(low[i]), 4),
                        "high": round(float(high[i]), 4),
                        "horizon": "this visit",
                        "seconds": ends,
                    }
                )
                for i in range(len(values))
            ]
            ids = arrays.numbers(visit.customer_id for visit in open_visits)
            numbers = arrays.numbers(values.tolist())
            conn.execute(_SAID, (name, now, used.version, ids, numbers, arrays.texts(said)))
    _wake(conn, [visit.customer_id for visit in visits], now)


def _inputs(visits: Sequence[Visit]) -> Any:
    def column(name: str) -> np.ndarray[Any, np.dtype[np.int64]]:
        return np.array([getattr(visit, name) for visit in visits], np.int64)

    return steps.inputs(
        counts=np.array([visit.counts for visit in visits], np.int64),
        started_us=column("started_us"),
        at_us=column("last_us"),
        before_us=column("before_us"),
        visits=column("visits"),
        orders=column("orders"),
        phone=np.array([visit.phone for visit in visits], bool),
        referrers=np.array([visit.referrer for visit in visits], np.str_),
    )


def _wake(conn: Connection, customers: Sequence[int], now: datetime) -> None:
    """Have the live rules decided again, where one of them reads an intent."""
    if not customers or segments.live(conn).needs.scores.isdisjoint({BUY, LEAVE}):
        return
    conn.execute(
        "INSERT INTO refreshes (customer_id, due_at, reason)"
        " SELECT id, %s, 'score' FROM unnest(%s::bigint[]) AS c(id) ORDER BY id"
        " ON CONFLICT (customer_id) DO UPDATE"
        " SET due_at = least(refreshes.due_at, excluded.due_at)",
        (now, arrays.numbers(customers)),
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


_IN_USE = "SELECT id, trained_at FROM model_versions WHERE kind = %s AND state = 'in_use'"

_READ = """
SELECT customer_id, visits, orders, started_us, last_us, before_us, phone, referrer, counts, bought
FROM intent_visits WHERE customer_id = ANY(%s::bigint[])
"""

_WRITTEN = """
INSERT INTO intent_visits (customer_id, visits, orders, started_us, last_us, before_us, phone,
  referrer, counts, bought)
SELECT id, visits, orders, started_us, last_us, before_us, phone, referrer, counts::int[], bought
FROM unnest(%s::bigint[], %s::int[], %s::int[], %s::bigint[], %s::bigint[], %s::bigint[],
  %s::bool[], %s::text[], %s::text[], %s::bool[])
  AS v(id, visits, orders, started_us, last_us, before_us, phone, referrer, counts, bought)
ORDER BY id
ON CONFLICT (customer_id) DO UPDATE
  SET visits = excluded.visits, orders = excluded.orders, started_us = excluded.started_us,
      last_us = excluded.last_us, before_us = excluded.before_us, phone = excluded.phone,
      referrer = excluded.referrer, counts = excluded.counts, bought = excluded.bought
"""

_SAID = """
INSERT INTO scores (name, computed_at, model_version_id, customer_id, value, inputs)
SELECT %s, %s, %s, id, value, inputs::jsonb
FROM unnest(%s::bigint[], %s::float8[], %s::text[]) AS s(id, value, inputs) ORDER BY id
ON CONFLICT (customer_id, name) DO UPDATE
  SET value = excluded.value, inputs = excluded.inputs, computed_at = excluded.computed_at,
      model_version_id = excluded.model_version_id
"""
