"""The arbitration policy: which factors count, what the context adds; tried before it is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from touchloop.console import database
from touchloop.console.customers import sight, wording
from touchloop.console.customers.sight import Sight
from touchloop.console.decisions import views
from touchloop.console.offers.people import called
from touchloop.console.pages import Request, page, say
from touchloop.console.ui import words
from touchloop.core import audit, clock
from touchloop.core.access import Permission
from touchloop.core.accounts import api as accounts
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid
from touchloop.engage.decisions import api as decisions
from touchloop.engage.decisions.api import Kept, Settings, Trial

ACT: Final = "decision_policy.changed"
TRIED, VERSIONS, BLANK, MOST_ROWS = 300, 10, 2, 40
FACTORS: Final = (
    ("propensity", gettext_lazy("How likely it is taken"),
     gettext_lazy("Learned from what was shown and taken.")),
    ("context", gettext_lazy("What the touchpoint knows of the moment"),
     gettext_lazy("The weights below.")),
    ("value", gettext_lazy("What it is worth when taken"), gettext_lazy("The value of the offer.")),
    ("lever", gettext_lazy("What the business puts on it"),
     gettext_lazy("The lever of the offer, and that of its topic below.")),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Version:
    """One version in the list: what differs from the one before it."""

    number: int
    at: datetime
    by: str
    changes: Sequence[tuple[str, str | None, str | None]]
    counts: bool


@page(Permission.DECISIONS_VIEW)
def policy(request: Request) -> HttpResponse:
    """The policy that counts; who may, changes it here."""
    return _page(request, _form(decisions.policy(database.here()).settings))


@page(Permission.POLICY_EDIT, methods=("POST",))
def change(request: Request) -> HttpResponse:
    """Try other settings on recent decisions, or keep them."""
    conn = database.here()
    before = decisions.policy(conn).settings
    given = _given(request.POST)
    try:
        changes = _changes(request.POST)
        if "keep" not in request.POST:
            trial = decisions.try_policy(conn, changes, limit=TRIED)
            return _page(request, given, trial=trial)
        _keep(request, conn, before, changes)
    except Invalid as wrong:
        return _page(request, given, wrong=wrong)
    return redirect("decision_policy")


@page(Permission.POLICY_EDIT, methods=("POST",))
def back(request: Request, version: int) -> HttpResponse:
    """Let the settings of an earlier version count again, as a new version."""
    conn = database.here()
    found = next((one for one in decisions.policies(conn, limit=500) if one.version == version), 0)
    if not isinstance(found, Kept):
        say(request, _("There is no such version."), error=True)
    else:
        before = decisions.policy(conn).settings
        _keep(request, conn, before, decisions.plain(found.settings))
    return redirect("decision_policy")


def _keep(request: Request, conn: Connection, before: Settings, changes: Mapping[str, Any]) -> None:
    was = decisions.plain(before)
    number = decisions.policy(conn).version
    with transaction.atomic():
        made = decisions.change_policy(conn, changes, actor=request.actor.id, now=clock.now())
        now = decisions.plain(made.settings)
        names = [name for name in now if now[name] != was[name]]
        if not names:
            transaction.set_rollback(True)
            say(request, _("Nothing was changed."))
            return
        audit.record(
            ACT, by=request.actor, kind="policy", id=made.version,
            before={name: was[name] for name in names}, after={name: now[name] for name in names},
        )  # fmt: skip
    say(
        request,
        _("Version %d of the policy counts from now on.") % made.version,
        undo=reverse("decision_policy_back", args=[number]),
    )


def _page(
    request: Request,
    given: Mapping[str, Any],
    *,
    trial: Trial | None = None,
    wrong: Invalid | None = None,
) -> HttpResponse:
    conn, sees = database.here(), sight.of(request.actor)
    now = decisions.policy(conn)
    context = {
        "tabs": views.tabs("policy"),
        "version": now.version,
        "settings": now.settings,
        "factors": [
            (name, label, help, given[name], getattr(now.settings, name))
            for name, label, help in FACTORS
        ],
        "given": given,
        "wrong": wrong,
        "trial": _shown(conn, trial, sees) if trial else None,
        "versions": _versions(conn),
    }
    return render(request, "decisions/policy.html", context, status=400 if wrong else 200)


def _shown(conn: Connection, trial: Trial, sees: Sight) -> dict[str, Any]:
    """A trial in words. Customers that the reader may not see are not named."""
    people = called(conn, [each.customer_id for each in trial.examples], sees)
    before, after = trial.worth
    return {
        "n": trial.n,
        "changed": trial.changed,
        "share": trial.changed / trial.n if trial.n else 0.0,
        "worth": (words.rounded(before, 3), words.rounded(after, 3)),
        "offers": [
            (each, f"{reverse('offers')}{each.offer_id}/", each.after - each.before)
            for each in trial.offers
        ],
        "examples": [
            (
                reverse("decision", args=[each.id]),
                people.get(each.customer_id, _("Customer %d") % each.customer_id),
                wording.channel(each.channel),
                each.at,
                ", ".join(each.before) or _("nothing"),
                ", ".join(each.after) or _("nothing"),
            )
            for each in trial.examples
        ],
    }


def _form(settings: Settings) -> dict[str, Any]:
    """The settings as fields show them."""
    weights = [
        (", ".join(f"{k}={v}" for k, v in one.when.items()), f"{one.percent:g}", one.topic,
         one.offer)
        for one in settings.weights
    ]  # fmt: skip
    return {
        **{name: getattr(settings, name) for name, _label, _help in FACTORS},
        "weights": [*weights, *[("", "", "", "")] * BLANK],
        "topics": [*((k, f"{v:g}") for k, v in settings.topics.items()), *[("", "")] * BLANK],
        "holdout": f"{settings.holdout * 100:g}",
        "settle_hours": f"{settings.settle_hours:g}",
    }


def _given(data: QueryDict) -> dict[str, Any]:
    """What was filled in, kept as it was."""
    return {
        **{name: name in data for name, _label, _help in FACTORS},
        "weights": [*_weights(data), *[("", "", "", "")] * BLANK],
        "topics": [*_topics(data), *[("", "")] * BLANK],
        "holdout": data.get("holdout", ""),
        "settle_hours": data.get("settle_hours", ""),
    }


def _weights(data: QueryDict) -> list[tuple[str, str, str, str]]:
    fields = (data.getlist(f"weight_{name}") for name in ("when", "percent", "topic", "offer"))
    rows = list(zip(*fields, strict=False))[:MOST_ROWS]
    return [row for row in rows if any(each.strip() for each in row)]


def _topics(data: QueryDict) -> list[tuple[str, str]]:
    fields = data.getlist("topic_name"), data.getlist("topic_percent")
    rows = list(zip(*fields, strict=False))[:MOST_ROWS]
    return [row for row in rows if any(each.strip() for each in row)]


def _changes(data: QueryDict) -> dict[str, Any]:
    """The settings of a form as JSON. Raises Invalid, which names the field."""
    return {
        **{name: name in data for name, _label, _help in FACTORS},
        "weights": [
            {
                "when": _when(when),
                "percent": _number("weights", percent),
                "topic": topic.strip(),
                "offer": offer.strip(),
            }
            for when, percent, topic, offer in _weights(data)
        ],
        "topics": {name.strip(): _number("topics", value) for name, value in _topics(data)},
        "holdout": _number("holdout", data.get("holdout", "")) / 100,
        "settle_hours": _number("settle_hours", data.get("settle_hours", "")),
    }


def _when(text: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    if not pairs or not all(name.strip() and mark for name, mark, _value in pairs):
        raise Invalid("weights", _("Write what the request says like intent=cancel."))
    return {name.strip(): value.strip() for name, _mark, value in pairs}


def _number(field: str, text: str) -> float:
    try:
        return float(text.strip().replace(",", ".").removesuffix("%") or 0)
    except ValueError:
        raise Invalid(field, _("Write a number.")) from None


def _versions(conn: Connection) -> list[Version]:
    found = decisions.policies(conn, limit=VERSIONS + 1)
    names = accounts.names([each.actor_id for each in found if each.actor_id is not None])
    return [
        Version(
            each.version,
            each.at,
            names.get(each.actor_id, "") if each.actor_id else "",
            _differences(earlier.settings, each.settings) if earlier else (),
            place == 0,
        )
        for place, (each, earlier) in enumerate(zip(found, [*found[1:], None], strict=True))
    ][:VERSIONS]


def _differences(before: Settings, after: Settings) -> list[tuple[str, str | None, str | None]]:
    was, now = decisions.plain(before), decisions.plain(after)
    return [
        (str(_NAMES.get(name, name)), _written(was[name]), _written(now[name]))
        for name in now
        if was[name] != now[name]
    ]


def _written(value: Any) -> str | None:
    if isinstance(value, bool):
        return _("on") if value else _("off")
    if isinstance(value, dict):
        return ", ".join(f"{name} {each:+g} %" for name, each in value.items()) or _("none")
    if isinstance(value, list | tuple):
        return "; ".join(_row(each) for each in value) or _("none")
    return f"{value:g}" if isinstance(value, float) else str(value)


def _row(value: Any) -> str:
    if not isinstance(value, dict):
        return str(value)
    said = ", ".join(f"{name}={each}" for name, each in value["when"].items())
    about = value.get("topic") or value.get("offer") or _("everything")
    return f"{said}: {about} {value['percent']:+g} %"


_NAMES = {
    **{name: label for name, label, _help in FACTORS},
    "weights": gettext_lazy("Weights of the moment"),
    "topics": gettext_lazy("Levers of topics"),
    "holdout": gettext_lazy("Held out from all that sells"),
    "settle_hours": gettext_lazy("Hours until an offer counts as not taken"),
    "facts": gettext_lazy("Traits that the model looks at"),
}
