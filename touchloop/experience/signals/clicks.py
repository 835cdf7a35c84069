"""Frustration in a stream of clicks, by the definitions of experience.md §3. Pure.

A click is `Element Clicked` as the browser library sends it: `x`, `y` (pixels), `selector`, `tag`,
`reaction_ms` (until the page changed, moved on or scrolled; null when it did not while it was
watched), `watched_ms`, `error` (a script or request that failed because of it), `selected_text`,
`download`, `target`. What is missing proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from math import hypot
from typing import Any

from touchloop.experience.signals.rules import DEAD, ERROR, RAGE, SLOW, Rule

CLICKED = "Element Clicked"
_ONCE = timedelta(seconds=1)  # clicks on one thing within it are one try
# Things that are made to be clicked fast: calendars, steppers, players.
_FAST = ("calendar", "datepicker", "stepper", "spinner", "quantity", "carousel", "slider", "player")
_ACTS = ("button", "a")


@dataclass(frozen=True, slots=True)
class Click:
    """One click of a subject, as it stands in the log."""

    id: int
    subject_id: int
    at: datetime
    properties: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Frustration:
    """A kind of frustration, from the click that began it; `count` clicks took part."""

    kind: str
    click: Click
    count: int


def frustrations(clicks: Iterable[Click], rules: Mapping[str, Rule]) -> list[Frustration]:
    """What the clicks of some subjects show, in the order of subjects and time."""
    ordered = sorted(clicks, key=lambda click: (click.subject_id, click.at, click.id))
    found: list[Frustration] = []
    for _subject, mine in groupby(ordered, key=lambda click: click.subject_id):
        whole = list(mine)
        if rules[RAGE].live:
            found += _rage(whole, rules[RAGE])
        found += _useless(whole, rules)
    return sorted(found, key=lambda each: (each.click.subject_id, each.click.at, each.click.id))


def _rage(clicks: Sequence[Click], rule: Rule) -> Iterator[Frustration]:
    """Runs in which every so many clicks lie within so many pixels and milliseconds."""
    mine = [click for click in clicks if _may_rage(click)]
    need = int(rule.limits["clicks"])
    within = timedelta(milliseconds=rule.limits["ms"])
    start = end = -1  # of the run that is being followed
    for last in range(need - 1, len(mine)):
        first = last - need + 1
        if not _together(mine[first : last + 1], within, rule.limits["pixels"]):
            continue
        if start >= 0 and first <= end:
            end = last
            continue
        if start >= 0:
            yield Frustration(RAGE, mine[start], end - start + 1)
        start, end = first, last
    if start >= 0:
        yield Frustration(RAGE, mine[start], end - start + 1)


def _may_rage(click: Click) -> bool:
    given = click.properties
    if given.get("selected_text") is True or not _is_number(given.get("x"), given.get("y")):
        return False
    selector = str(given.get("selector") or "").lower()
    return not any(word in selector for word in _FAST)


def _together(clicks: Sequence[Click], within: timedelta, pixels: float) -> bool:
    if clicks[-1].at - clicks[0].at > within:
        return False
    points = [(click.properties["x"], click.properties["y"]) for click in clicks]
    return all(
        hypot(a[0] - b[0], a[1] - b[1]) <= pixels
        for n, a in enumerate(points)
        for b in points[n + 1 :]
    )


def _useless(clicks: Sequence[Click], rules: Mapping[str, Rule]) -> Iterator[Frustration]:
    """Dead, slow and failing clicks; those on one thing within a second count once."""
    last: dict[tuple[str, str], datetime] = {}
    for click in clicks:
        kind = _kind(click, rules)
        if kind is None:
            continue
        key = (kind, str(click.properties.get("selector") or ""))
        before = last.get(key)
        last[key] = click.at
        if before is None or click.at - before > _ONCE:
            yield Frustration(kind, click, 1)


def _kind(click: Click, rules: Mapping[str, Rule]) -> str | None:
    given = click.properties
    if given.get("error") and rules[ERROR].live:
        return ERROR
    waited = _waited(given)
    if waited is None:
        return None
    if waited >= rules[DEAD].limits["ms"]:
        return DEAD if rules[DEAD].live else None
    if rules[SLOW].live and waited >= rules[SLOW].limits["ms"]:
        return SLOW
    return None


def _waited(given: Mapping[str, Any]) -> float | None:
    """Milliseconds without a reaction; None where none has to come or none was watched for."""
    tag = str(given.get("tag") or "").lower()
    elsewhere = str(given.get("target") or "_self") != "_self"
    if tag not in _ACTS or elsewhere or given.get("download") or "reaction_ms" not in given:
        return None
    reaction = given["reaction_ms"]
    waited = given.get("watched_ms") if reaction is None else reaction
    return float(waited) if _is_number(waited) and waited is not None else None


def _is_number(*values: object) -> bool:
    return all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
