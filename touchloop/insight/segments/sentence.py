"""A rule as one sentence, as a person would say it of a customer: "has bought from DELI and …"."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from touchloop.insight.segments import grammar as g

Names = Mapping[int, str]


def sentence(rule: g.Rule, *, segments: Names | None = None) -> str:
    """The rule in words; `segments` gives the names of other segments by id."""
    return _said(rule, segments or {}, True)


def _said(rule: g.Rule, names: Names, top: bool) -> str:
    match rule:
        case g.All(parts) if not parts:
            return _("is anybody")
        case g.All(parts):
            return _joined(parts, names, _(" and "), top)
        case g.Any(parts):
            return _joined(parts, names, _(" or "), top)
        case g.Not(part):
            return _negated(part, names)
        case g.Trait(name, value):
            return _("has the trait %(name)s %(is)s") % {"name": name, "is": _value(value)}
        case g.Interactions():
            return _interactions(rule)
        case g.Sequence():
            return _sequence(rule)
        case g.Overdue():
            words = _("has not had %(events)s for %(n)s of its own usual intervals")
            if rule.events == _SHOPS:
                words = _("has not shopped for %(n)s of its own usual intervals")
            return words % {"events": _events(rule.events), "n": _number(rule.intervals)}
        case g.InSegment(segment_id, member):
            name = names.get(segment_id, _("number %d") % segment_id)
            return (_("is in “%s”") if member else _("is not in “%s”")) % name
        case g.Score(name, op, value):
            words = _("has a score %(name)s of %(number)s")
            return words % {"name": name, "number": _compared(op, _number(value))}
        case g.Consent(purpose, allowed):
            words = _("allows use for %s") if allowed else _("does not allow use for %s")
            return words % PURPOSE_NAMES[purpose]()
        case g.Stage(values):
            return _("is at the stage %s") % _listed(values)


def _joined(parts: tuple[g.Rule, ...], names: Names, word: str, top: bool) -> str:
    text = word.join(_said(part, names, False) for part in parts)
    return text if top or len(parts) == 1 else f"({text})"


def _negated(part: g.Rule, names: Names) -> str:
    if isinstance(part, g.Interactions) and _ever(part):
        return _never(part)
    return _("not: %s") % _said(part, names, False)


def _ever(leaf: g.Interactions) -> bool:
    return leaf.measure == "count" and (leaf.op, leaf.value) in (("gte", 1.0), ("gt", 0.0))


def _never(leaf: g.Interactions) -> str:
    bought = _bought(leaf.events)
    if leaf.window is None:
        return (
            (_("has never bought %s") % bought)
            if bought
            else (_("has never had %s") % _events(leaf.events))
        )
    words = _("has not bought %(what)s%(when)s") if bought else _("has not had %(what)s%(when)s")
    return words % {"what": bought or _events(leaf.events), "when": _when(leaf.window)}


def _interactions(leaf: g.Interactions) -> str:
    when, what = _when(leaf.window), _events(leaf.events)
    if leaf.measure == "absence" or (leaf.measure == "count" and (leaf.op, leaf.value) in _NONE):
        return _never(leaf)
    if leaf.measure == "distinct" and leaf.of in ("day", "week"):
        return _different(leaf)
    if leaf.measure == "count":
        bought = _bought(leaf.events)
        if _ever(leaf):
            words = _("has bought %(what)s%(when)s") if bought else _("has had %(what)s%(when)s")
            return words % {"what": bought or what, "when": when}
        times = _compared(leaf.op, _("%s times") % _number(leaf.value))
        words = (
            _("has bought %(what)s %(times)s%(when)s")
            if bought
            else _("has had %(what)s %(times)s%(when)s")
        )
        return words % {"what": bought or what, "times": times, "when": when}
    number = _compared(leaf.op, _number(leaf.value))
    if leaf.measure in ("first", "last"):
        age = _compared(leaf.op, _length(leaf.value, leaf.unit))
        words = _("had %(what)s for the first time %(age)s ago%(when)s")
        if leaf.measure == "last":
            words = _("had %(what)s for the last time %(age)s ago%(when)s")
        return words % {"what": what, "age": age, "when": when}
    of = leaf.path or leaf.of
    words = _("has %(number)s different %(of)s in %(what)s%(when)s")
    if leaf.measure == "sum":
        words = _("has %(number)s of %(of)s in %(what)s%(when)s")
    return words % {"number": number, "of": of, "what": what, "when": when}


def _different(leaf: g.Interactions) -> str:
    """Days or weeks in which it came: "in at least 7 of the last 8 weeks"."""
    number, window = _compared(leaf.op, _number(leaf.value)), leaf.window
    values = {"what": _events(leaf.events), "number": number}
    if isinstance(window, g.Last) and window.unit == f"{leaf.of}s":
        length = _length(window.n, window.unit)
        words = _("has %(what)s in %(number)s of the last %(length)s")
        if leaf.events == _SHOPS:
            words = _("shops in %(number)s of the last %(length)s")
        return words % (values | {"length": length})
    words = _("has %(what)s on %(number)s different days%(when)s")
    if leaf.of == "week":
        words = _("has %(what)s in %(number)s different weeks%(when)s")
    return words % (values | {"when": _when(window)})


def _sequence(leaf: g.Sequence) -> str:
    words = _("after %(first)s%(when)s, %(then)s followed within %(within)s")
    if leaf.negated:
        words = _("after %(first)s%(when)s, no %(then)s followed within %(within)s")
    return words % {
        "first": _events(leaf.first), "then": _events(leaf.then),
        "within": _length(leaf.within.n, leaf.within.unit), "when": _when(leaf.window),
    }  # fmt: skip


def _events(events: g.Events) -> str:
    text = _listed(events.names, quoted=True) if events.names else _("any interaction")
    if events.channels:
        text += _(" by %s") % _listed(events.channels)
    if events.locations:
        text += _(" at %s") % _listed(events.locations)
    for x in events.where:
        text += _(" whose %(name)s %(is)s") % {"name": x.path, "is": _value(x.value)}
    return text + (_(" with %s") % _products(events.lines) if events.lines else "")


def _bought(events: g.Events) -> str:
    """Products by themselves, when nothing else is asked of the order."""
    plain = not (events.channels or events.locations or events.where or events.type)
    return _products(events.lines) if events.lines and plain else ""


def _products(lines: tuple[g.Line, ...]) -> str:
    words = []
    for line in lines:
        values = _listed(line.values)
        if line.op == "contains":
            words.append(
                _("a %(field)s with “%(text)s” in it") % {"field": line.field, "text": values}
            )
        elif line.field in ("department", "category"):
            words.append(_("from %s") % values)
        else:
            words.append(f"{line.field} {values}")
    return _(" and ").join(words)


def _value(value: g.Value) -> str:
    values = tuple(_plain(x) for x in value.values)
    match value.op:
        case "exists":
            return _("that is known")
        case "missing":
            return _("that is not known")
        case "in":
            return _("is one of %s") % _listed(values)
        case "contains":
            return _("contains “%s”") % values[0]
        case "starts":
            return _("starts with “%s”") % values[0]
        case "eq":
            return _("is %s") % values[0]
        case "ne":
            return _("is not %s") % values[0]
        case _:
            return _("is %s") % _compared(value.op, values[0])


def _plain(value: g.Scalar) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime):
        return _day(value)
    return value if isinstance(value, str) else _number(value)


def _compared(op: str, what: str) -> str:
    words = {
        "eq": _("exactly %s"), "ne": _("not exactly %s"), "gt": _("more than %s"),
        "gte": _("at least %s"), "lt": _("less than %s"), "lte": _("at most %s"),
    }  # fmt: skip
    return words[op] % what


def _when(window: g.Window) -> str:
    if isinstance(window, g.Last):
        return _(" in the last %s") % _length(window.n, window.unit)
    if isinstance(window, g.Between):
        text = _(" from %s") % _day(window.start) if window.start else ""
        return text + (_(" until %s") % _day(window.end) if window.end else "")
    return ""


def _length(n: float, unit: str) -> str:
    count = int(n) if n == int(n) else 2
    words = {
        "hours": ngettext("%s hour", "%s hours", count),
        "days": ngettext("%s day", "%s days", count),
        "weeks": ngettext("%s week", "%s weeks", count),
        "months": ngettext("%s month", "%s months", count),
    }
    return words[unit] % _number(n)


def _day(instant: datetime) -> str:
    return (
        f"{instant:%Y-%m-%d}"
        if instant.time() == instant.min.time()
        else f"{instant:%Y-%m-%d %H:%M}"
    )


def _number(value: float) -> str:
    return f"{value:.10g}"


def _listed(values: tuple[str, ...], *, quoted: bool = False) -> str:
    return _(" or ").join(f"“{value}”" if quoted else value for value in values)


_SHOPS = g.Events(("Order Completed",))
_NONE = (("eq", 0.0), ("lte", 0.0), ("lt", 1.0))
PURPOSE_NAMES: dict[str, Callable[[], str]] = {
    "service": lambda: _("service"), "measure": lambda: _("measuring"),
    "improve": lambda: _("improving"), "personalise": lambda: _("personal content"),
    "marketing": lambda: _("marketing"), "profile": lambda: _("a profile"),
    "share": lambda: _("sharing"), "train": lambda: _("training models"),
}  # fmt: skip
