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


def gated(rule: g.Rule, purpose: str) -> g.Rule:
    """The rule, for those customers only whose choices allow the segment's purpose."""
    return g.All((g.Consent(purpose), rule))


def live(conn: Connection) -> Live:
    """The live rules now. One small query; the rest is kept while nothing changes."""
    stamp = tuple(
        conn.execute(
            "SELECT id, version, purpose, name FROM segments WHERE state = 'live' ORDER BY id"
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
        tuple((id, gated(parse(rules[id]), purpose)) for id, _version, purpose, _name in stamp)
    )
    return Live(found, needs(found), {row[0]: row[3] for row in stamp})
