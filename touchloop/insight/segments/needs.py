"""What a set of rules reads, so that a caller fetches that and no more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from touchloop.insight.segments import grammar as g
from touchloop.insight.segments import selecting


@dataclass(frozen=True, slots=True)
class Reading:
    """What is needed of one relation. `names` None: of every event; `only`: see `reads`."""

    columns: frozenset[str]
    names: frozenset[str] | None
    length: timedelta | None
    start: datetime | None
    endless: bool
    only: tuple[tuple[str, frozenset[str]], ...] = ()

    def since(self, now: datetime) -> datetime | None:
        """The earliest instant (in UTC) that matters at `now`, exclusive; None: all of history."""
        if self.endless:
            return None
        back = now - self.length if self.length is not None else None
        start = None
        if self.start is not None:
            start = self.start.replace(tzinfo=now.tzinfo) - timedelta(microseconds=1)
        found = [instant for instant in (back, start) if instant is not None]
        return min(found) if found else None


@dataclass(frozen=True, slots=True)
class Needs:
    """What a set of rules reads of each relation; None: the relation is not read."""

    interactions: Reading | None
    lines: Reading | None
    traits: frozenset[str]
    scores: frozenset[str]
    segments: frozenset[int]
    stage: bool
    consent: bool

    @property
    def properties(self) -> bool:
        return self.interactions is not None and "properties" in self.interactions.columns


@dataclass(frozen=True, slots=True)
class _Use:
    events: g.Events
    window: g.Window
    of: str = ""
    keyed: bool = False


def needs(rules: g.RuleSet) -> Needs:
    """What these rules read."""
    leaves = [leaf for _, rule in rules.rules for leaf in g.conditions(rule)]
    uses = [use for leaf in leaves for use in _uses(leaf)]
    sources = [(selecting.source_of(use.events, use.of), use) for use in uses]
    return Needs(
        interactions=_reading(
            [(source, use) for source, use in sources if source != selecting.LINES], lines=False
        ),
        lines=_reading(
            [(source, use) for source, use in sources if source != selecting.INTERACTIONS],
            lines=True,
        ),
        traits=frozenset(leaf.name for leaf in leaves if isinstance(leaf, g.Trait)),
        scores=frozenset(leaf.name for leaf in leaves if isinstance(leaf, g.Score)),
        segments=frozenset(x.segment_id for x in leaves if isinstance(x, g.InSegment))
        - frozenset(rules.ids),
        stage=any(isinstance(leaf, g.Stage) for leaf in leaves),
        consent=any(isinstance(leaf, g.Consent) for leaf in leaves),
    )


def _uses(leaf: g.Condition) -> list[_Use]:
    match leaf:
        case g.Interactions():
            return [_Use(leaf.events, leaf.window, leaf.of, leaf.measure == "count")]
        case g.Overdue():
            return [_Use(leaf.events, leaf.window)]
        case g.Sequence():
            # What follows lies after a first one, and so inside of a window back from now as well.
            then = leaf.window
            if isinstance(then, g.Between):
                then = g.Between(then.start, None) if then.start is not None else None
            return [_Use(leaf.first, leaf.window), _Use(leaf.then, then)]
        case _:
            return []


def _reading(uses: list[tuple[str, _Use]], *, lines: bool) -> Reading | None:
    if not uses:
        return None
    names = [use.events.names for _, use in uses]
    windows = [use.window for _, use in uses]
    lengths = [window.micros for window in windows if isinstance(window, g.Last)]
    starts = [window.start for window in windows if isinstance(window, g.Between)]
    return Reading(
        columns=frozenset(_columns(uses, lines=lines)),
        names=frozenset(x for y in names for x in y) if all(names) else None,
        length=timedelta(microseconds=max(lengths)) if lengths else None,
        start=min((x for x in starts if x is not None), default=None),
        endless=None in windows or None in starts,
        only=_only([use.events for _, use in uses]) if lines else (),
    )


def _columns(uses: Iterable[tuple[str, _Use]], *, lines: bool) -> Iterable[str]:
    yield from ("customer_id", "name", "occurred_at")
    for source, use in uses:
        events = use.events
        if source == selecting.BOTH or (lines and use.keyed):
            yield "interaction_id"
        if lines:
            yield from (line.field for line in events.lines)
            if use.of in g.LINE_MEASURES:
                yield use.of
            continue
        if events.type or selecting.may_be_own(events):
            yield "type"
        if events.channels or use.of == "channel":
            yield "channel"
        if events.locations or use.of == "location":
            yield "location"
        if events.where or use.of == "property":
            yield "properties"
        if use.of == "value":
            yield "value"


def _only(all_events: list[g.Events]) -> tuple[tuple[str, frozenset[str]], ...]:
    """Values of one column of which every needed line has one; nothing when there is no such."""
    for column in g.LINE_FIELDS:
        wanted = [
            next((x.values for x in events.lines if x.field == column and x.op == "in"), None)
            for events in all_events
        ]
        found = [values for values in wanted if values is not None]
        if len(found) == len(wanted):
            return ((column, frozenset(x for values in found for x in values)),)
    return ()
