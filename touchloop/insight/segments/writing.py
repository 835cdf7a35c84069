"""A rule as JSON: what `parsing.parse` reads back to an equal rule."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from touchloop.insight.segments import grammar as g


def to_json(rule: g.Rule) -> dict[str, Any]:
    """The JSON of a rule, without what is the default anyway."""
    match rule:
        case g.All(parts):
            return {"all": [to_json(part) for part in parts]}
        case g.Any(parts):
            return {"any": [to_json(part) for part in parts]}
        case g.Not(part):
            return {"not": to_json(part)}
        case g.Trait(name, value):
            return {"trait": {"name": name, **_value(value)}}
        case g.Interactions():
            return {"interactions": _interactions(rule)}
        case g.Sequence(first, then, within, negated, window):
            body: dict[str, Any] = {"first": _events(first), "then": _events(then)}
            body |= {"within": _window(within), "not": negated}
            return {"sequence": body | _windowed(window)}
        case g.Overdue(events, intervals, min_days, window):
            body = _events(events) | {"intervals": intervals, "min_days": min_days}
            return {"overdue": body | _windowed(window)}
        case g.InSegment(segment_id, member):
            return {"segment": {"id": segment_id, "in": member}}
        case g.Score(name, op, number):
            return {"score": {"name": name, "op": op, "value": number}}
        case g.Consent(purpose, allowed):
            return {"consent": {"purpose": purpose, "allowed": allowed}}
        case g.Stage(values):
            return {"stage": {"in": list(values)}}


def _interactions(leaf: g.Interactions) -> dict[str, Any]:
    body = _events(leaf.events) | {"measure": leaf.measure}
    if leaf.of:
        body["of"] = leaf.of
    if leaf.path:
        body["path"] = leaf.path
    if leaf.measure != "absence":
        body |= {"op": leaf.op, "value": leaf.value}
    if leaf.measure in ("first", "last"):
        body["unit"] = leaf.unit
    return body | _windowed(leaf.window)


def _events(events: g.Events) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if events.names:
        body["events"] = list(events.names)
    if events.type:
        body["type"] = events.type
    if events.channels:
        body["channels"] = list(events.channels)
    if events.locations:
        body["locations"] = list(events.locations)
    if events.where:
        body["where"] = [{"path": x.path, **_value(x.value)} for x in events.where]
    if events.lines:
        body["lines"] = [_line(x) for x in events.lines]
    return body


def _line(line: g.Line) -> dict[str, Any]:
    value = line.values[0] if line.op == "contains" else list(line.values)
    return {"field": line.field, "op": line.op, "value": value}


def _value(value: g.Value) -> dict[str, Any]:
    body: dict[str, Any] = {"type": value.type, "op": value.op}
    plain = [x.isoformat() if isinstance(x, datetime) else x for x in value.values]
    if value.op == "in":
        body["value"] = plain
    elif plain:
        body["value"] = plain[0]
    return body


def _windowed(window: g.Window) -> dict[str, Any]:
    return {"window": _window(window)} if window is not None else {}


def _window(window: g.Last | g.Between) -> dict[str, Any]:
    if isinstance(window, g.Last):
        return {"last": window.n, "unit": window.unit}
    found = {"from": window.start, "to": window.end}
    return {key: value.isoformat() for key, value in found.items() if value is not None}
