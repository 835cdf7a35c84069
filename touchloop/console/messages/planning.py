"""A campaign as a form: read into a plan, said as a sentence, tried out before anybody is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from touchloop.channels import api as channels
from touchloop.console.messages import words
from touchloop.console.segments.names import segment_names
from touchloop.console.ui import words as written
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid
from touchloop.engage.campaigns.api import Plan, Window

SAMPLE = 1_000
VARIANTS = 4
WEEKDAYS: Final = (
    gettext_lazy("Monday"), gettext_lazy("Tuesday"), gettext_lazy("Wednesday"),
    gettext_lazy("Thursday"), gettext_lazy("Friday"), gettext_lazy("Saturday"),
    gettext_lazy("Sunday"),
)  # fmt: skip
_FIELDS: Final = {"per_minute": "per_minute", "goal": "goal_event", "definition": "name"}


@dataclass(frozen=True, slots=True)
class Trial:
    """What would happen if it started now, from all of the audience or from a drawn part of it."""

    audience: int
    tried: int
    holdout: int
    variants: Sequence[tuple[str, int]]
    now: int
    later: int
    never: int
    reasons: Sequence[tuple[str, int, bool]]  # words, how many of the audience, for good
    minutes: float | None

    @property
    def drawn(self) -> bool:
        return self.tried < self.audience


def plan_of(given: QueryDict) -> dict[str, Any]:
    """The plan that a form describes, as its JSON. Raises Invalid, which names the field."""
    plan: dict[str, Any] = {
        "segment": _whole(given, "segment", _("Choose a segment.")),
        "variants": _variants(given),
        "audience": "following" if given.get("audience") == "following" else "fixed",
        "channels": _channels(given),
        "kind": "service" if given.get("kind") == "service" else "marketing",
        "topic": given.get("topic", "").strip()[:80],
        "holdout": _number(given, "holdout", 0.0) / 100,
        "days": _number(given, "days", 3.0),
    }
    plan |= pace_of(given)
    if given.get("goal_event", "").strip():
        days = _whole(given, "goal_days", _("Write a whole number of days."))
        plan["goal"] = {"event": given.get("goal_event", "").strip()[:200], "days": days}
    return plan


def pace_of(given: QueryDict) -> dict[str, Any]:
    """The window and the throttle: what can be changed at any time. Raises Invalid."""
    pace: dict[str, Any] = {}
    window = _window(given)
    if window:
        pace["window"] = window
    if given.get("per_minute", "").strip():
        pace["per_minute"] = _whole(given, "per_minute", _("Write a whole number."))
    return pace


def field_of(wrong: Invalid) -> str:
    """The field of the form that an error is about."""
    name = wrong.field.partition("[")[0].partition(".")[0]
    return _FIELDS.get(name, name)


def sentence(conn: Connection, plan: Plan) -> str:
    """The plan as one would say it."""
    segment = segment_names().get(plan.segment, _("a segment that is gone"))
    by = _(", else ").join(words.channel(name) for name in plan.channels)
    if plan.audience == "following":
        said = _("Writes to whoever is in or enters “%(segment)s”, by %(by)s.")
    else:
        said = _("Writes to those who are in “%(segment)s” at its start, by %(by)s.")
    parts = [said % {"segment": segment, "by": by}]
    if plan.holdout:
        parts.append(_("%s are held out.") % words.percent(plan.holdout))
    if plan.window:
        parts.append(_window_said(plan.window))
    if plan.per_minute:
        parts.append(_("At most %s a minute.") % written.figure(plan.per_minute))
    if plan.goal:
        parts.append(
            ngettext(
                "Its goal: “%(event)s” within %(n)d day.",
                "Its goal: “%(event)s” within %(n)d days.",
                plan.goal.days,
            )
            % {"event": plan.goal.event[:80], "n": plan.goal.days}
        )
    return " ".join(parts)


def trial(conn: Connection, plan: Plan, *, now: datetime) -> Trial:
    """Ask consent, suppression and the contact policy about the audience; nothing is changed."""
    row = conn.execute(
        "SELECT count(*) FROM segment_members WHERE segment_id = %s", (plan.segment,)
    ).fetchone()
    audience = int(row[0]) if row else 0
    parts = max(1, -(-audience // SAMPLE))
    ids = [
        each[0]
        for each in conn.execute(
            _DRAWN, {"segment": plan.segment, "parts": parts, "limit": SAMPLE}
        ).fetchall()
    ]
    found = channels.decide_contact(
        conn, ids, kind=plan.kind, topic=plan.topic, channels=plan.channels, now=now
    )
    said = Counter(_verdict(found.get(id, ())) for id in ids)
    scale = audience / len(ids) if ids else 0.0
    by_word = {
        word: round(scale * sum(n for (w, _reason), n in said.items() if w == word))
        for word in ("now", "later", "never")
    }
    reasons = [
        (words.reason(reason), round(scale * n), word == "never")
        for (word, reason), n in said.most_common()
        if word != "now"
    ]
    going = 1 - plan.holdout
    total = sum(variant.weight for variant in plan.variants)
    return Trial(
        audience=audience,
        tried=len(ids),
        holdout=round(audience * plan.holdout),
        variants=[
            (variant.name, round(audience * going * variant.weight / total))
            for variant in plan.variants
        ],
        **by_word,
        reasons=reasons,
        minutes=audience * going / plan.per_minute if plan.per_minute else None,
    )


def filled(given: Mapping[str, Any]) -> dict[str, Any]:
    """What a form shows of a plan that is there already."""
    window: Mapping[str, Any] = given.get("window") or {}
    goal: Mapping[str, Any] = given.get("goal") or {}
    by = [*given.get("channels", ("email",)), ""]
    return {
        "segment": given.get("segment", ""),
        "variants": _rows([dict(each) for each in given.get("variants", ())]),
        "audience": given.get("audience", "fixed"),
        "kind": given.get("kind", "marketing"),
        "topic": given.get("topic", "offers"),
        "channel_1": by[0],
        "channel_2": by[1],
        "holdout": _trim(100 * given.get("holdout", 0.1)),
        "days": _trim(given.get("days", 3.0)),
        "window_since": window.get("since", ""),
        "window_until": window.get("until", ""),
        "zone": window.get("zone", ""),
        "weekdays": list(window.get("weekdays", range(7))),
        "per_minute": given.get("per_minute", ""),
        "goal_event": goal.get("event", ""),
        "goal_days": goal.get("days", 14),
    }


def typed(given: QueryDict) -> dict[str, Any]:
    """What was typed, to be shown again beside what is wrong with it."""
    columns = (given.getlist("variant"), given.getlist("template"), given.getlist("weight"))
    variants = [
        {"name": name, "template": template, "weight": weight}
        for name, template, weight in zip(*columns, strict=False)
    ]
    return {
        **{name: given.get(name, "") for name in filled({})},
        "variants": _rows(variants),
        "weekdays": [int(day) for day in given.getlist("weekday") if day in "0123456"],
    }


def _rows(variants: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """As many rows as there may be, the empty ones with a letter of their own."""
    rows = [
        {"name": each.get("name", ""), "template": each.get("template", ""),
         "weight": _trim(each.get("weight", 1))}
        for each in variants
    ]  # fmt: skip
    letters = "ABCDEFGHIJ"[len(rows) : max(VARIANTS, len(rows))]
    return rows + [{"name": letter, "template": "", "weight": 1} for letter in letters]


def _variants(given: QueryDict) -> list[dict[str, Any]]:
    """Rows with a template; the others were not meant."""
    columns = (given.getlist("variant"), given.getlist("template"), given.getlist("weight"))
    found = []
    for name, template, weight in zip(*columns, strict=False):
        if not template:
            continue
        try:
            share = float(weight)
        except ValueError:
            raise Invalid("variants", _("Write the weights as numbers.")) from None
        found.append({"name": name.strip()[:40], "template": template, "weight": share})
    if not found:
        raise Invalid("variants", _("Choose a template for at least one variant."))
    return found


def _channels(given: QueryDict) -> list[str]:
    known = channels.channels()
    first, second = given.get("channel_1", ""), given.get("channel_2", "")
    chosen = [name for name in (first, second) if name in known]
    return list(dict.fromkeys(chosen))


def _window(given: QueryDict) -> dict[str, Any] | None:
    since, until = given.get("window_since", "").strip(), given.get("window_until", "").strip()
    if not since and not until:
        return None
    hour = _("Write both hours, from 0 to 24.")
    return {
        "since": _whole(given, "window_since", hour),
        "until": _whole(given, "window_until", hour),
        "zone": given.get("zone", "").strip()[:64] or "UTC",
        "weekdays": sorted({int(day) for day in given.getlist("weekday") if day in "0123456"}),
    }


def _verdict(verdicts: Sequence[channels.ContactVerdict]) -> tuple[str, str]:
    """The first channel that may be used now or later, as the outbox chooses; else the reason."""
    for verdict in verdicts:
        if verdict.allowed:
            return "now", ""
        if verdict.next_at is not None:
            return "later", verdict.reason
    return "never", verdicts[0].reason if verdicts else "nobody"


def _window_said(window: Window) -> str:
    hours = _("Between %(since)d:00 and %(until)d:00 (%(zone)s)") % {
        "since": window.since,
        "until": window.until,
        "zone": window.zone,
    }
    if len(window.weekdays) == 7:
        return f"{hours}."
    days = ", ".join(str(WEEKDAYS[day]) for day in window.weekdays)
    return _("%(hours)s on %(days)s.") % {"hours": hours, "days": days}


def _whole(given: QueryDict, name: str, words_: str) -> int:
    text = given.get(name, "").strip()
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Invalid(name, words_)
    return int(text)


def _number(given: QueryDict, name: str, default: float) -> float:
    text = given.get(name, "").strip().replace(",", ".")
    if not text:
        return default
    try:
        return float(text)
    except ValueError:
        raise Invalid(name, _("Write a number.")) from None


def _trim(value: Any) -> str:
    """10.0 -> 10, for a field."""
    return value if isinstance(value, str) else f"{value:g}"


_DRAWN: LiteralString = """
SELECT customer_id FROM segment_members
WHERE segment_id = %(segment)s
  AND (hashint8extended(customer_id, 7) & 2147483647) %% %(parts)s = 0
LIMIT %(limit)s
"""
