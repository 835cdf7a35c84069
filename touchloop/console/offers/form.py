"""The form of an offer: what was typed, kept as it was typed, and the definition that it means."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import zip_longest
from typing import Any

import msgspec
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from msgspec import Struct

from touchloop.console.offers import words
from touchloop.engage.offers.api import Comparison, Conditions, Definition, Treatment

MOST_ROWS = 40
TEXTS = ("title", "text", "button")


class Number(Struct, frozen=True):
    """A number of the form: its bounds, and how often its unit goes into that of the definition."""

    low: float
    high: float
    scale: float = 1.0
    whole: bool = False


# By field of the form; `memory_later_days` is that part of the memory.
NUMBERS = {
    "value": Number(0, 1e9),
    "lever": Number(-99, 10_000),
    "holdout": Number(0, 90, 100),
    "explore": Number(0, 50, 100),
    "starting_propensity": Number(0.01, 99.99, 100),
    "starting_evidence": Number(0.1, 1e6),
    "goal_days": Number(0.01, 365),
    "memory_taken_days": Number(0, 36_500),
    "memory_refusals": Number(1, 100, whole=True),
    "memory_refused_days": Number(0, 36_500),
    "memory_later_days": Number(0, 36_500),
}
LIMITS = {
    "impressions_most": Number(1, 1_000, whole=True),
    "impressions_days": Number(0.01, 730),
}


class Policy(Struct):
    """The rows of one policy as they are typed."""

    members: list[tuple[str, str]]  # ("in" or "out", number of the segment)
    comparisons: list[tuple[str, str, str, str]]  # ("trait" or "context", name, operator, value)


class Given(Struct):
    """What stands in the form."""

    plain: dict[str, str]
    policies: dict[str, Policy]
    treatments: list[dict[str, str]]


def typed(asked: QueryDict) -> Given:
    """What somebody typed. Rows without any words are left out."""
    plain = {
        name: asked.get(name, "").replace("\0", "").strip()[:300]
        for name in (
            "name",
            "kind",
            "topic",
            "starts_at",
            "ends_at",
            "goal",
            "starting_score",
            *NUMBERS,
            *LIMITS,
        )
    }
    policies = {
        name: Policy(
            [row for row in _rows(asked, name, "mode", "segment") if row[1]],
            [row for row in _rows(asked, name, "where", "name", "op", "value") if row[1]],
        )
        for name in words.POLICIES
    }
    fields = ("channel", "placement", "template", *TEXTS, "more")
    treatments = [
        dict(zip(fields, row, strict=True))
        for row in _rows(asked, "treatment", *fields)
        if any(row[:-1])
    ]
    return Given(plain, policies, treatments)


def written(definition: Definition, *, name: str = "") -> Given:
    """The form of an offer as it stands."""
    plain = {
        "name": name,
        "kind": definition.kind,
        "topic": definition.topic,
        "goal": definition.goal,
        "starting_score": definition.starting_score,
        "starts_at": _local(definition.starts_at),
        "ends_at": _local(definition.ends_at),
    }
    for field, number in NUMBERS.items():
        plain[field] = _figure(_part(definition, field) * number.scale)
    for field in LIMITS:
        plain[field] = _figure(_part(definition, field)) if definition.impressions else ""
    policies = {policy: _policy(rule) for policy, rule in definition.policies}
    return Given(plain, policies, [_treatment(each) for each in definition.treatments])


def meant(given: Given, *, before: Definition) -> tuple[dict[str, Any], dict[str, str]]:
    """The definition's JSON, and by field what is wrong with what was typed.

    `before` keeps what the form shows rounded: the seconds of a moment.
    """
    wrong: dict[str, str] = {}
    plain = given.plain
    found: dict[str, Any] = {
        "kind": plain["kind"] if plain["kind"] in words.KINDS else "default",
        "topic": plain["topic"],
        "goal": plain["goal"],
        "starting_score": plain["starting_score"][:200],
        "memory": {},
    }
    if not plain["goal"]:
        wrong["goal"] = _("Name the event that counts as success.")
    for field in ("starts_at", "ends_at"):
        found[field] = _moment(plain[field], getattr(before, field), field, wrong)
    for field, number in NUMBERS.items():
        value = _number(plain[field], number, field, wrong)
        if field.startswith("memory_"):
            found["memory"][field.removeprefix("memory_")] = value
        else:
            found[field] = value
    limits = {
        field: _number(plain[field], number, field, wrong)
        for field, number in LIMITS.items()
        if plain["impressions_most"]
    }
    found["impressions"] = {
        field.removeprefix("impressions_"): value for field, value in limits.items()
    } or None
    for policy, rows in given.policies.items():
        found[policy] = _conditions(rows)
    found["treatments"] = [_treated(row, wrong) for row in given.treatments]
    return found, wrong


def _conditions(rows: Policy) -> dict[str, Any]:
    numbers = [(mode, int(id)) for mode, id in rows.members if id.isdigit() and len(id) < 10]
    found: dict[str, Any] = {
        "required": list(dict.fromkeys(id for mode, id in numbers if mode != "out")),
        "forbidden": list(dict.fromkeys(id for mode, id in numbers if mode == "out")),
        "traits": [],
        "context": [],
    }
    for where, name, op, value in rows.comparisons:
        op = op if op in words.OPERATORS else "eq"
        each: dict[str, Any] = {"name": name[:100], "op": op, "value": _compared(op, value)}
        found["context" if where == "context" else "traits"].append(each)
    return found


def _compared(op: str, value: str) -> Any:
    if op in ("there", "missing"):
        return None
    if op == "in":
        return [value_of(part) for part in value.split(";") if part.strip()]
    return value_of(value) if value.strip() else None


def value_of(text: str) -> str | float | bool:
    """A number, yes or no, or words; words in quotes are always words."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1]
    if text.lower() in ("yes", "no", "true", "false"):
        return text.lower() in ("yes", "true")
    try:
        number = float(text)
    except ValueError:
        return text[:300]
    return number if -1e15 < number < 1e15 else text[:300]


def _said(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(map(_said, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value if value_of(value) == value else f'"{value}"'
    return "" if value is None else _figure(value)


def _number(text: str, number: Number, field: str, wrong: dict[str, str]) -> float | int:
    try:
        value = float(text.replace(" ", ""))
    except ValueError:
        wrong[field] = _("Write a number.")
        return 0
    if not number.low <= value <= number.high:
        bounds = {"low": _figure(number.low), "high": _figure(number.high)}
        wrong[field] = _("Write a number from %(low)s to %(high)s.") % bounds
    elif number.whole and not value.is_integer():
        wrong[field] = _("Write a whole number.")
    elif number.whole:
        return int(value)
    return value / number.scale


def _moment(text: str, before: datetime | None, field: str, wrong: dict[str, str]) -> str | None:
    if not text:
        return None
    if text == _local(before) and before is not None:
        return before.isoformat()
    try:
        at = datetime.fromisoformat(text)
        at = at if at.tzinfo else timezone.make_aware(at)
        return at.isoformat()
    except (ValueError, OverflowError):
        wrong[field] = _("Write the moment like 2026-01-31T09:00.")
        return None


def _treated(row: Mapping[str, str], wrong: dict[str, str]) -> dict[str, Any]:
    if not row["channel"]:
        wrong["treatments"] = _("Choose the channel of each treatment.")
    texts = {name: row[name] for name in TEXTS if row[name]}
    return {
        "channel": row["channel"] or "store",
        "placement": row["placement"],
        "template": row["template"],
        "texts": texts | _more(row["more"]),
    }


def _more(text: str) -> dict[str, str]:
    """Words that the form has no field for; they stay as they were."""
    try:
        return msgspec.json.decode(text or "{}", type=dict[str, str])
    except msgspec.MsgspecError:
        return {}


def _treatment(each: Treatment) -> dict[str, str]:
    more = {name: text for name, text in each.texts.items() if name not in TEXTS}
    return {
        "channel": each.channel,
        "placement": each.placement,
        "template": each.template,
        **{name: each.texts.get(name, "") for name in TEXTS},
        "more": msgspec.json.encode(more).decode() if more else "",
    }


def _policy(rule: Conditions) -> Policy:
    def rows(where: str, each: tuple[Comparison, ...]) -> list[tuple[str, str, str, str]]:
        return [(where, one.name, one.op, _said(one.value)) for one in each]

    return Policy(
        [
            *(("in", str(id)) for id in rule.required),
            *(("out", str(id)) for id in rule.forbidden),
        ],
        rows("trait", rule.traits) + rows("context", rule.context),
    )


def _rows(asked: QueryDict, group: str, *fields: str) -> list[Any]:
    columns = [asked.getlist(f"{group}.{field}") for field in fields]
    return [
        tuple(text.replace("\0", "").strip()[:2_000] for text in row)
        for row in list(zip_longest(*columns, fillvalue=""))[:MOST_ROWS]
    ]


def _part(definition: Definition, field: str) -> float:
    for part in ("memory", "impressions"):
        if field.startswith(f"{part}_"):
            return float(getattr(getattr(definition, part), field.removeprefix(f"{part}_")))
    return float(getattr(definition, field))


def _local(at: datetime | None) -> str:
    return f"{timezone.localtime(at):%Y-%m-%dT%H:%M}" if at else ""


def _figure(number: float) -> str:
    return f"{number:.10g}"
