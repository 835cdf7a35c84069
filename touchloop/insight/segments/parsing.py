"""Rules from JSON and back. Whatever is wrong is named by its path in the tree."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from django.utils.translation import gettext as _

from touchloop.consent.api import PURPOSES
from touchloop.core.errors import Invalid
from touchloop.insight.segments import grammar as g
from touchloop.insight.segments.writing import to_json

__all__ = ["parse", "to_json"]


_PATH = re.compile(r"[^\x00-\x1f\"\\\[\]*.$]{1,100}(\.[^\x00-\x1f\"\\\[\]*.$]{1,100}){0,7}")
_NAME = re.compile(r"[^\x00-\x1f\"\\]{1,200}")
_CONTROL = re.compile(r"[\x00-\x1f]")
_MAX_NUMBER = 1e15

Json = Mapping[str, Any]


def parse(data: Any) -> g.Rule:
    """The rule that this JSON means, within the limits; Invalid names the part that is wrong."""
    rule = _rule(data, "rule", 1)
    if len(g.conditions(rule)) > g.MAX_CONDITIONS:
        raise Invalid("rule", _("a rule has at most %d conditions") % g.MAX_CONDITIONS)
    return rule


def _rule(data: Any, at: str, level: int) -> g.Rule:
    if level > g.MAX_DEPTH:
        raise Invalid(at, _("a rule is at most %d levels deep") % g.MAX_DEPTH)
    if not isinstance(data, Mapping) or len(data) != 1:
        raise Invalid(at, _("one condition, or one of all, any, not, is expected here"))
    ((kind, body),) = data.items()
    if kind in ("all", "any"):
        if not isinstance(body, list):
            raise Invalid(f"{at}.{kind}", _("a list of conditions is expected"))
        if kind == "any" and not body:
            raise Invalid(f"{at}.any", _("at least one condition is needed"))
        parts = tuple(_rule(x, f"{at}.{kind}[{i}]", level + 1) for i, x in enumerate(body))
        return g.All(parts) if kind == "all" else g.Any(parts)
    if kind == "not":
        return g.Not(_rule(body, f"{at}.not", level + 1))
    reader = _KINDS.get(str(kind))
    if reader is None:
        raise Invalid(at, _("there is no condition of the kind “%s”") % kind)
    if not isinstance(body, Mapping):
        raise Invalid(f"{at}.{kind}", _("an object is expected"))
    return reader(body, f"{at}.{kind}")


def _trait(data: Json, at: str) -> g.Trait:
    _known(data, at, {"name", "type", "op", "value"})
    return g.Trait(_matched(data.get("name"), f"{at}.name", _NAME), _value(data, at))


def _value(data: Json, at: str) -> g.Value:
    kind = _one_of(data.get("type", "text"), f"{at}.type", ("text", "number", "date", "bool"))
    op = _one_of(data.get("op", "eq"), f"{at}.op", g.VALUE_OPS)
    if op in ("contains", "starts") and kind != "text":
        raise Invalid(f"{at}.op", _("only text can be asked for a part of it"))
    if kind == "bool" and op not in ("eq", "ne", "exists", "missing"):
        raise Invalid(f"{at}.op", _("yes or no has no order"))
    if op in ("exists", "missing"):
        return g.Value(cast(g.Type, kind), op)
    given = data.get("value")
    values = _listed(given, f"{at}.value") if op == "in" else [given]
    typed = tuple(_typed(x, kind, f"{at}.value") for x in values)
    return g.Value(cast(g.Type, kind), op, typed)


def _typed(value: Any, kind: str, at: str) -> g.Scalar:
    if kind == "number":
        return _number(value, at)
    if kind == "date":
        return _instant(value, at)
    if kind == "bool":
        if not isinstance(value, bool):
            raise Invalid(at, _("true or false is expected"))
        return value
    return _text(value, at)


def _interactions(data: Json, at: str) -> g.Interactions:
    own = {"measure", "of", "path", "op", "value", "unit", "window"}
    _known(data, at, own | _EVENT_KEYS)
    events = _events(data, at)
    measure = _one_of(data.get("measure", "count"), f"{at}.measure", g.MEASURES)
    of, path = _measured(data, at, measure)
    if measure == "sum" and events.lines and of not in g.LINE_MEASURES:
        raise Invalid(f"{at}.of", _("of chosen products, only amount or quantity can be added up"))
    op, value = "gte", 1.0
    if measure == "absence":
        op, value = "eq", 0.0
    else:
        ages = measure in ("first", "last")
        op = _one_of(
            data.get("op", "gte"), f"{at}.op", ("gt", "gte", "lt", "lte") if ages else g.COMPARES
        )
        value = _number(data.get("value", 1 if measure == "count" else None), f"{at}.value")
        if ages and not 0 <= value * g.SECONDS[_unit(data, at)] <= g.MAX_WINDOW_DAYS * 86_400:
            raise Invalid(f"{at}.value", _("an age lies between 0 and 10 years"))
    window = _window(data.get("window"), f"{at}.window")
    unit = _unit(data, at) if measure in ("first", "last") else "days"
    return g.Interactions(events, measure, of, path, op, value, unit, window)


def _measured(data: Json, at: str, measure: str) -> tuple[str, str]:
    if measure not in ("sum", "distinct"):
        return "", ""
    of = _one_of(data.get("of"), f"{at}.of", g.SUM_OF if measure == "sum" else g.DISTINCT_OF)
    return of, _matched(data.get("path"), f"{at}.path", _PATH) if of == "property" else ""


def _sequence(data: Json, at: str) -> g.Sequence:
    _known(data, at, {"first", "then", "within", "not", "window"})
    within = _window(data.get("within"), f"{at}.within")
    if not isinstance(within, g.Last):
        raise Invalid(f"{at}.within", _("say within how long"))
    negated = _bool(data.get("not", False), f"{at}.not")
    first, then = _side(data, at, "first"), _side(data, at, "then")
    return g.Sequence(first, then, within, negated, _window(data.get("window"), f"{at}.window"))


def _side(data: Json, at: str, side: str) -> g.Events:
    part = data.get(side)
    if not isinstance(part, Mapping):
        raise Invalid(f"{at}.{side}", _("an object is expected"))
    _known(part, f"{at}.{side}", _EVENT_KEYS)
    return _events(part, f"{at}.{side}")


def _overdue(data: Json, at: str) -> g.Overdue:
    _known(data, at, {"intervals", "min_days", "window"} | _EVENT_KEYS)
    intervals = _number(data.get("intervals", 3), f"{at}.intervals")
    if not 0 < intervals <= 100:
        raise Invalid(f"{at}.intervals", _("a number of intervals up to 100 is expected"))
    days = _whole(data.get("min_days", 4), f"{at}.min_days", least=2, most=1_000)
    window = _window(data.get("window"), f"{at}.window")
    return g.Overdue(_events(data, at), intervals, days, window)


def _segment(data: Json, at: str) -> g.InSegment:
    _known(data, at, {"id", "in"})
    found = _whole(data.get("id"), f"{at}.id", least=1, most=2**31 - 1)
    return g.InSegment(found, _bool(data.get("in", True), f"{at}.in"))


def _score(data: Json, at: str) -> g.Score:
    _known(data, at, {"name", "op", "value"})
    op = _one_of(data.get("op", "gte"), f"{at}.op", g.COMPARES)
    return g.Score(
        _matched(data.get("name"), f"{at}.name", _NAME), op, _number(data.get("value"), at)
    )


def _consent(data: Json, at: str) -> g.Consent:
    _known(data, at, {"purpose", "allowed"})
    purpose = _one_of(data.get("purpose"), f"{at}.purpose", PURPOSES)
    return g.Consent(purpose, _bool(data.get("allowed", True), f"{at}.allowed"))


def _stage(data: Json, at: str) -> g.Stage:
    _known(data, at, {"in"})
    return g.Stage(_texts(data.get("in"), f"{at}.in"))


def _events(data: Json, at: str) -> g.Events:
    if data.get("type") == g.OWN_TYPE:
        raise Invalid(f"{at}.type", _("what Touchloop itself notes cannot be asked for"))
    where = _listed(data.get("where", []), f"{at}.where")
    lines = _listed(data.get("lines", []), f"{at}.lines")
    return g.Events(
        names=tuple(dict.fromkeys(_texts(data.get("events", []), f"{at}.events", none=True))),
        type=_text(data.get("type") or "", f"{at}.type"),
        channels=_texts(data.get("channels", []), f"{at}.channels", none=True),
        locations=_texts(data.get("locations", []), f"{at}.locations", none=True),
        where=tuple(_property(x, f"{at}.where[{i}]") for i, x in enumerate(where)),
        lines=tuple(_line(x, f"{at}.lines[{i}]") for i, x in enumerate(lines)),
    )


def _property(data: Any, at: str) -> g.Property:
    if not isinstance(data, Mapping):
        raise Invalid(at, _("an object is expected"))
    _known(data, at, {"path", "type", "op", "value"})
    return g.Property(_matched(data.get("path"), f"{at}.path", _PATH), _value(data, at))


def _line(data: Any, at: str) -> g.Line:
    if not isinstance(data, Mapping):
        raise Invalid(at, _("an object is expected"))
    _known(data, at, {"field", "op", "value"})
    field = _one_of(data.get("field"), f"{at}.field", g.LINE_FIELDS)
    op = _one_of(data.get("op", "eq"), f"{at}.op", ("eq", "in", "contains"))
    given = data.get("value")
    if op == "in":
        return g.Line(field, "in", _texts(given, f"{at}.value"))
    value = _text(given, f"{at}.value")
    if not value:
        raise Invalid(f"{at}.value", _("a text is expected"))
    return g.Line(field, "contains" if op == "contains" else "in", (value,))


def _window(data: Any, at: str) -> g.Window:
    if data is None:
        return None
    if not isinstance(data, Mapping):
        raise Invalid(at, _("an object is expected"))
    if "last" in data:
        _known(data, at, {"last", "unit"})
        unit = _unit(data, at)
        most = g.MAX_WINDOW_DAYS * 86_400 // g.SECONDS[unit]
        return g.Last(_whole(data["last"], f"{at}.last", least=1, most=most), unit)
    _known(data, at, {"from", "to"})
    start = _instant(data["from"], f"{at}.from") if data.get("from") else None
    end = _instant(data["to"], f"{at}.to") if data.get("to") else None
    if start is None and end is None:
        raise Invalid(at, _("say last, from or to"))
    if start is not None and end is not None and end <= start:
        raise Invalid(at, _("the end lies after the start"))
    return g.Between(start, end)


def _unit(data: Json, at: str) -> g.Unit:
    return cast(g.Unit, _one_of(data.get("unit", "days"), f"{at}.unit", tuple(g.SECONDS)))


def _known(data: Json, at: str, keys: set[str]) -> None:
    for key in data:
        if key not in keys:
            raise Invalid(f"{at}.{key}", _("is not known here"))


def _one_of(value: Any, at: str, choices: Sequence[str]) -> str:
    if not isinstance(value, str) or value not in choices:
        raise Invalid(at, _("one of %s is expected") % ", ".join(choices))
    return value


def _matched(value: Any, at: str, pattern: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise Invalid(at, _("a name without quotes, brackets and control characters is expected"))
    return value


def _listed(value: Any, at: str) -> list[Any]:
    if not isinstance(value, list) or len(value) > g.MAX_VALUES:
        raise Invalid(at, _("a list of at most %d values is expected") % g.MAX_VALUES)
    return value


def _texts(value: Any, at: str, *, none: bool = False) -> tuple[str, ...]:
    found = tuple(_text(x, at) for x in _listed(value, at))
    if not found and not none:
        raise Invalid(at, _("at least one value is needed"))
    return found


def _text(value: Any, at: str) -> str:
    if not isinstance(value, str) or len(value) > g.MAX_TEXT or _CONTROL.search(value):
        raise Invalid(at, _("a text of at most %d characters is expected") % g.MAX_TEXT)
    return value


def _number(value: Any, at: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Invalid(at, _("a number is expected"))
    if not math.isfinite(value) or abs(value) > _MAX_NUMBER:
        raise Invalid(at, _("the number is too large"))
    return float(value)


def _whole(value: Any, at: str, *, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise Invalid(
            at,
            _("a whole number from %(least)d to %(most)d is expected")
            % {"least": least, "most": most},
        )
    return value


def _bool(value: Any, at: str) -> bool:
    if not isinstance(value, bool):
        raise Invalid(at, _("true or false is expected"))
    return value


def _instant(value: Any, at: str) -> datetime:
    try:
        found = datetime.fromisoformat(_text(value, at))
    except ValueError:
        raise Invalid(at, _("a date such as 2026-01-31 is expected")) from None
    if found.tzinfo is not None:
        found = found.astimezone(UTC).replace(tzinfo=None)
    if not 1900 <= found.year <= 2200:
        raise Invalid(at, _("the year lies between 1900 and 2200"))
    return found


_EVENT_KEYS = {"events", "type", "channels", "locations", "where", "lines"}
_KINDS: dict[str, Callable[[Json, str], g.Condition]] = {
    "trait": _trait, "interactions": _interactions, "sequence": _sequence, "overdue": _overdue,
    "segment": _segment, "score": _score, "consent": _consent, "stage": _stage,
}  # fmt: skip
