"""The live rules as one set, read again only when one of them has changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from touchloop.core.db import Connection
from touchloop.insight.segments import grammar as g
from touchloop.insight.segments.needs import Needs, needs
from touchloop.insight.segments.parsing import parse


@dataclass(frozen=True, slots=True)
class Live:
    """Every live rule behind its gate, what they read, and the names of their segments."""

    rules: g.RuleSet
    needs: Needs
    names: dict[int, str]
    reads: dict[int, frozenset[str] | None]  # events by segment: see reads()
    parts: dict[frozenset[int], Live]  # some of the rules, as they were asked for
    concerned: dict[frozenset[str], frozenset[int]]  # segments by events, the same
    stamp: _Stamp = ()  # differs when a rule has changed, or a segment was filled


def gated(rule: g.Rule, purpose: str) -> g.Rule:
    """The rule, for those customers only whose choices allow the segment's purpose."""
    return g.All((g.Consent(purpose), rule))


def live(conn: Connection) -> Live:
    """The live rules now. One small query; the rest is kept while nothing changes."""
    stamp = tuple(
        conn.execute(
            "SELECT id, version, purpose, name, filled_at FROM segments"
            " WHERE state = 'live' ORDER BY id"
        ).fetchall()
    )
    kept = _cache.get(stamp)
    if kept is None:
        rows = conn.execute(
            "SELECT id, rule FROM segments WHERE id = ANY(%s)", ([row[0] for row in stamp],)
        ).fetchall()
        _cache.clear()  # only the newest is ever asked for again
        kept = _cache[stamp] = _read(stamp, dict(rows))
    return kept


_Stamp = tuple[tuple[Any, ...], ...]
_cache: dict[_Stamp, Live] = {}


def _read(stamp: _Stamp, rules: dict[int, Any]) -> Live:
    found = g.RuleSet(
        tuple((id, gated(parse(rules[id]), purpose)) for id, _version, purpose, *_ in stamp)
    )
    return _live(found, {row[0]: row[3] for row in stamp}, stamp)


def part(live: Live, ids: frozenset[int]) -> Live:
    """Some of the live rules."""
    if len(ids) == len(live.rules.rules):
        return live
    if ids not in live.parts:
        chosen = g.RuleSet(tuple(rule for rule in live.rules.rules if rule[0] in ids))
        live.parts[ids] = _live(chosen, {id: live.names[id] for id in ids})
    return live.parts[ids]


def _live(rules: g.RuleSet, names: dict[int, str], stamp: _Stamp = ()) -> Live:
    read = {id: reads(rule) for id, rule in rules.rules}
    return Live(rules, needs(rules), names, read, {}, {}, stamp)


def reads(rule: g.Rule) -> frozenset[str] | None:
    """The names of the events that a rule reads; None: of any."""
    needed = needs(g.RuleSet(((0, rule),)))
    names: set[str] = set()
    for reading in (needed.interactions, needed.lines):
        if reading is not None and reading.names is None:
            return None
        if reading is not None and reading.names is not None:
            names |= reading.names
    return frozenset(names)
