"""A trigger as a form: what starts it, one wait, one question, one act, what ends it.

Whatever says more than that is kept as JSON, which the same page edits; a form never drops what it
cannot show, because it is only offered for what fits into it whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from touchloop.core.errors import Invalid
from touchloop.engage.triggers import api as triggers

STARTS: Final = (
    ("entered", gettext_lazy("enters a segment")),
    ("left", gettext_lazy("leaves a segment")),
    ("event", gettext_lazy("does something")),
)
ACTS: Final = (
    ("offer", gettext_lazy("Bring the best offer")),
    ("send", gettext_lazy("Send a message")),
    ("case", gettext_lazy("Open a case")),
    ("ask", gettext_lazy("Ask how it was")),
)
KINDS: Final = (("marketing", gettext_lazy("marketing")), ("service", gettext_lazy("service")))
UNITS: Final = (
    ("minutes", gettext_lazy("minutes")),
    ("hours", gettext_lazy("hours")),
    ("days", gettext_lazy("days")),
    ("weeks", gettext_lazy("weeks")),
)
CASES: Final = (
    ("request", gettext_lazy("a request")),
    ("complaint", gettext_lazy("a complaint")),
    ("detractor", gettext_lazy("a bad experience")),
)
Shape = dict[str, Any]
BLANK: Final[Shape] = {
    "name": "", "start": "entered", "segment": "", "event": "", "wait": "1", "unit": "hours",
    "still": True, "act": "offer", "kind": "marketing", "channels": ["email", "store"],
    "topic": "offers", "template": "", "title": "", "case_kind": "request", "hours": "48",
    "survey": "", "ends": True, "end_event": "", "again": "90", "holdout": "10",
    "goal": "Order Completed", "goal_days": "14",
}  # fmt: skip


def given(data: QueryDict) -> Shape:
    """What was filled in, as it was."""
    found: Shape = {name: data.get(name, "")[:500].replace("\0", "").strip() for name in BLANK}
    found["still"], found["ends"] = "still" in data, "ends" in data
    found["channels"] = data.getlist("channels")[:20]
    return found


def definition(shape: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON of a form. Raises Invalid, which names the field."""
    start = _occasion(shape)
    segment = start.get("entered")
    steps: list[dict[str, Any]] = []
    if wait := _number("wait", shape["wait"] or "0", whole=True):
        steps.append({"do": "wait", "n": int(wait), "unit": shape["unit"]})
    if shape["still"] and segment:
        steps.append({"do": "check", "inside": [segment]})
    steps.append(_act(shape))
    until: list[dict[str, Any]] = []
    if shape["ends"] and segment:
        until.append({"left": segment})
    if shape["end_event"]:
        until.append({"event": shape["end_event"]})
    made: dict[str, Any] = {
        "when": [start],
        "steps": steps,
        "until": until,
        "again_days": _number("again_days", shape["again"]) if shape["again"] else None,
        "holdout": _number("holdout", shape["holdout"] or "0") / 100,
    }
    if shape["goal"]:
        days = int(_number("goal", shape["goal_days"] or "14", whole=True))
        made["goal"] = {"event": shape["goal"], "days": days}
    return made


def shape(name: str, said: Mapping[str, Any]) -> Shape | None:
    """The form that says the same; None when it would lose something."""
    found: Shape = BLANK | {
        "name": name, "wait": "", "still": False, "ends": False, "end_event": "", "goal": "",
    }  # fmt: skip
    try:
        parsed = triggers.parse(said)
        _fill(found, triggers.to_json(parsed))
        fits = triggers.parse(definition(found)) == parsed
    except (Invalid, KeyError, ValueError, TypeError):
        return None
    return found if fits else None


def written(said: Mapping[str, Any]) -> str:
    """A definition as text to be edited."""
    return json.dumps(said, indent=2, ensure_ascii=False)


def read(text: str) -> Any:
    """The inverse of `written`. Raises Invalid."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise Invalid("definition", _("This is no JSON: %s") % error) from None


def _occasion(shape: Mapping[str, Any]) -> dict[str, Any]:
    if shape["start"] == "event":
        if not shape["event"]:
            raise Invalid("event", _("Say which event starts it."))
        return {"event": shape["event"]}
    if shape["start"] not in ("entered", "left") or not str(shape["segment"]).isdigit():
        raise Invalid("segment", _("Choose the segment that starts it."))
    return {shape["start"]: int(shape["segment"])}


def _act(shape: Mapping[str, Any]) -> dict[str, Any]:
    act, kind = shape["act"], shape["kind"]
    topic = shape["topic"] if kind == "marketing" else ""
    brought = {"kind": kind, "channels": list(shape["channels"]), "topic": topic}
    if act == "offer":
        return {"do": "offer", **brought, "template": shape["template"]}
    if act == "send":
        return {"do": "send", **brought, "template": shape["template"]}
    if act == "case":
        hours = _number("hours", shape["hours"] or "48")
        return {"do": "case", "kind": shape["case_kind"], "title": shape["title"], "hours": hours}
    if act == "ask":
        return {"do": "ask", "survey": shape["survey"]}
    raise Invalid("act", _("Say what is to be done."))


def _fill(found: Shape, said: Mapping[str, Any]) -> None:
    """Read what the form can show; the caller compares whether that was all."""
    (start,) = said["when"]
    for name in ("entered", "left", "event"):
        if name in start:
            found["start"] = name
            found["event" if name == "event" else "segment"] = str(start[name])
    *before, act = said["steps"]
    for step in before:
        if step["do"] == "wait":
            found["wait"], found["unit"] = str(step["n"]), step.get("unit", "hours")
        elif step["do"] == "check":
            found["still"] = True
    found["act"] = act["do"]
    found["case_kind" if act["do"] == "case" else "kind"] = act.get(
        "kind", "request" if act["do"] == "case" else "marketing"
    )
    usual = {"offer": ["email", "store"], "send": ["email"]}
    found["channels"] = list(act.get("channels", usual.get(act["do"], [])))
    for name in ("template", "title", "survey"):
        found[name] = act.get(name, "")
    found["topic"] = act.get("topic", "offers")
    found["hours"] = f"{act.get('hours', 48.0):g}"
    for occasion in said.get("until", ()):
        if "left" in occasion:
            found["ends"] = True
        else:
            found["end_event"] = occasion["event"]
    again = said.get("again_days")
    found["again"] = "" if again is None else f"{again:g}"
    found["holdout"] = f"{said.get('holdout', 0.0) * 100:g}"
    if goal := said.get("goal"):
        found["goal"], found["goal_days"] = goal["event"], str(goal.get("days", 14))


def _number(field: str, text: str, *, whole: bool = False) -> float:
    try:
        value = float(str(text).replace(",", "."))
    except ValueError:
        raise Invalid(field, _("Write a number.")) from None
    if not 0 <= value < 1e6 or (whole and value != int(value)):
        raise Invalid(field, _("Write a whole number.") if whole else _("Write a number."))
    return value
