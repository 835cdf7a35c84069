"""The contact policy: how often, when and how close together customers may be reached, as data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from django.db import transaction
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from touchloop.channels import api as channels
from touchloop.channels.api import Cap, Policy
from touchloop.console import database
from touchloop.console.messages import room, words
from touchloop.console.pages import Request, page, say
from touchloop.core import access, audit, clock
from touchloop.core.access import Permission
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid

ACT: Final = "contact_policy.changed"
BLANK_CAPS, CHANGES = 2, 10
CAP_KINDS: Final = (
    ("marketing", gettext_lazy("marketing")),
    ("survey", gettext_lazy("surveys")),
    ("", gettext_lazy("all together")),
)
KEPT: Final = (
    ("marketing", gettext_lazy("Marketing")),
    ("survey", gettext_lazy("A survey")),
    ("service", gettext_lazy("Service")),
    ("prompt", gettext_lazy("A prompt at the till")),
)


@dataclass(frozen=True, slots=True)
class Change:
    """What somebody changed, from the audit trail."""

    at: Any
    actor: str
    differences: list[tuple[str, str | None, str | None]]


@dataclass(frozen=True, slots=True)
class Said:
    """One rule in words."""

    text: str
    icon: str


@page(Permission.MESSAGES_VIEW)
def policy(request: Request) -> HttpResponse:
    """The rules that hold, as sentences; who may, changes them beside."""
    return _page(request, channels.stored_policy(database.here()))


@page(Permission.POLICY_EDIT, methods=("POST",))
def change(request: Request) -> HttpResponse:
    """Let other rules hold from now on."""
    conn = database.here()
    before = channels.stored_policy(conn)
    try:
        after = _read(request.POST)
        if after == before:
            say(request, _("Nothing was changed."))
            return redirect("contact_policy")
        with transaction.atomic():
            channels.change_policy(conn, after, by=request.actor.id, at=clock.now())
            was, now = _plain(before), _plain(after)
            changed = [key for key in now if was[key] != now[key]]
            audit.record(
                ACT, by=request.actor, kind="contact_policy", id="contact_policy",
                name=_("Contact policy"),
                before={key: was[key] for key in changed}, after={key: now[key] for key in changed},
            )  # fmt: skip
    except Invalid as wrong:
        return _page(request, before, wrong=wrong)
    say(request, _("The contact policy is changed; it holds from the next message on."))
    return redirect("contact_policy")


def sentences(conn: Connection) -> list[Said]:
    """The policy in words."""
    now = channels.contact_policy(conn)
    said = [Said(_cap(cap), icon="gauge") for cap in now.caps]
    if now.gap_hours:
        gap = _("At least %s between two contacts.") % _hours(now.gap_hours)
        said.append(Said(gap, icon="timer"))
    if now.quiet_from != now.quiet_until:
        quiet = _("Quiet between %(a)d:00 and %(b)d:00 where the customer is.")
        hours = {"a": now.quiet_from, "b": now.quiet_until}
        said.append(Said(quiet % hours, icon="moon"))
        zones = ", ".join(now.zones[:6]) + (" …" if len(now.zones) > 6 else "")
        unknown = _("Where the time zone is not known, quiet in any of: %s.") % zones
        said.append(Said(unknown, icon="globe"))
    if now.mute_days:
        days = words.stretch(now.mute_days * 24)
        silent = _("Silent while a return runs, for %s at most.") % days
        said.append(Said(silent, icon="undo-2"))
    muted = _("Nothing is sold while a complaint or a bad experience is open.")
    owed = _("Service passes all of this: it is owed to the customer.")
    return [*said, Said(muted, icon="life-buoy"), Said(owed, icon="shield-check")]


def _page(request: Request, stored: Policy, *, wrong: Invalid | None = None) -> HttpResponse:
    conn = database.here()
    given = request.POST if wrong else None
    caps = _typed_caps(given) if given else [(c.kind, c.hours, c.most) for c in stored.caps]
    context = {
        "tabs": room.tabs(conn, "policy"),
        "sentences": sentences(conn),
        "wrong": wrong,
        "errors": {wrong.field: wrong.message} if wrong else {},
        "caps": [*caps, *[("marketing", "", "")] * BLANK_CAPS],
        "cap_kinds": CAP_KINDS,
        "given": given.dict() if given else {
            "gap_hours": f"{stored.gap_hours:g}",
            "quiet_from": stored.quiet_from,
            "quiet_until": stored.quiet_until,
            "mute_days": stored.mute_days,
            "zones": ", ".join(stored.zones),
        },
        "kept": [
            (kind, label, given.get(f"keep_{kind}", "") if given else stored.keep_hours.get(kind))
            for kind, label in KEPT
        ],
        "changes": _changes() if access.allows(request.actor, Permission.AUDIT_VIEW) else [],
    }  # fmt: skip
    return render(request, "messages/policy.html", context, status=400 if wrong else 200)


def _read(given: QueryDict) -> Policy:
    """The policy of a form. Raises Invalid, which names the field."""
    caps = []
    for kind, hours, most in _typed_caps(given):
        if not str(hours).strip() and not str(most).strip():
            continue
        caps.append(Cap(kind, _whole("caps", str(hours)), _whole("caps", str(most))))
    zones = [zone.strip() for zone in given.get("zones", "").split(",") if zone.strip()]
    try:
        gap = float(given.get("gap_hours", "").replace(",", ".") or 0)
    except ValueError:
        raise Invalid("gap_hours", _("Write a number.")) from None
    return Policy(
        caps=tuple(caps),
        gap_hours=gap,
        quiet_from=_whole("quiet_from", given.get("quiet_from", "")),
        quiet_until=_whole("quiet_until", given.get("quiet_until", "")),
        mute_days=_whole("mute_days", given.get("mute_days", "")),
        zones=tuple(zones),
        keep_hours={
            kind: _whole("keep_hours", given.get(f"keep_{kind}", "")) for kind, _label in KEPT
        },
    )


def _typed_caps(given: QueryDict) -> list[tuple[str, Any, Any]]:
    return list(
        zip(
            given.getlist("cap_kind"),
            given.getlist("cap_hours"),
            given.getlist("cap_most"),
            strict=False,
        )
    )


def _whole(field: str, text: str) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) < 7):
        raise Invalid(field, _("Write whole numbers."))
    return int(text)


def _plain(policy: Policy) -> dict[str, Any]:
    return {**asdict(policy), "caps": [list(cap) for cap in policy.caps]}


def _changes() -> list[Change]:
    found = audit.entries(act=ACT, limit=CHANGES)
    return [
        Change(
            each.at,
            each.actor,
            [
                (key, _written((each.before or {}).get(key)), _written(value))
                for key, value in (each.after or {}).items()
            ],
        )
        for each in found
    ]


def _written(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, list) and value and isinstance(value[0], list):
        return "; ".join(_cap(Cap(*row)) for row in value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {each}" for key, each in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _cap(cap: Cap) -> str:
    time = words.stretch(cap.hours)
    if cap.kind == "marketing":
        said = ngettext(
            "At most %(n)d marketing message in any %(time)s.",
            "At most %(n)d marketing messages in any %(time)s.",
            cap.most,
        )
    elif cap.kind == "survey":
        said = ngettext(
            "At most %(n)d survey in any %(time)s.",
            "At most %(n)d surveys in any %(time)s.",
            cap.most,
        )
    else:
        said = ngettext(
            "At most %(n)d contact of any kind in any %(time)s.",
            "At most %(n)d contacts of all kinds together in any %(time)s.",
            cap.most,
        )
    return said % {"n": cap.most, "time": time}


def _hours(hours: float) -> str:
    return words.stretch(int(hours)) if hours == int(hours) else _("%g hours") % hours
