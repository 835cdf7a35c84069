"""May this customer be reached now? The contact policy: one pure function, state in, verdict out.

Each rule says from which instant on it would allow the contact; the earliest instant that all of
them allow is found by going to the latest of these until none moves it. Service messages are owed
to the customer: they pass caps, gap, quiet hours, pauses and mutes, and do not count as pressure
(Pega's transactional actions). Surveys obey everything. Windows roll: `most` contacts in every
stretch of `hours`, not in a calendar day, which would let 23:00 and 00:00 both pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from touchloop.channels import hours

SERVICE: Final = "service"
TOGETHER: Final = ""  # a cap of this kind counts marketing and surveys together
WEEK: Final = timedelta(days=7)


class Cap(NamedTuple):
    """At most so many contacts of a kind in every stretch of so many hours."""

    kind: str
    hours: int
    most: int


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of contact that hold; hours are local, `zones` empty means those of the region."""

    caps: tuple[Cap, ...] = (
        Cap("marketing", 24, 1),
        Cap("marketing", 168, 3),
        Cap("survey", 168, 1),
        Cap(TOGETHER, 24, 2),
        Cap(TOGETHER, 168, 4),
    )
    gap_hours: float = 4.0
    quiet_from: int = 21
    quiet_until: int = 8
    mute_days: int = 14
    zones: tuple[str, ...] = ()
    keep_hours: dict[str, int] = field(
        default_factory=lambda: {"marketing": 168, "survey": 168, "service": 72, "prompt": 720}
    )


class Contact(NamedTuple):
    """A time at which the customer was reached."""

    kind: str
    at: datetime


class Mute(NamedTuple):
    """A reason to stay silent; without an end it is looked at again after a day."""

    reason: str
    until: datetime | None = None


class Pressure(Struct, frozen=True):
    """What one customer has been through and wants: the state that the policy judges."""

    contacts: tuple[Contact, ...] = ()
    zone: str | None = None
    mutes: tuple[Mute, ...] = ()
    paused_until: datetime | None = None
    per_week: int | None = None


class Verdict(Struct, frozen=True, gc=False):
    """`send` now, `defer` until `at`, or `drop`; with a word for the reason."""

    word: Literal["send", "defer", "drop"]
    reason: str
    at: datetime


def judge(
    policy: Policy,
    pressure: Pressure,
    *,
    kind: str,
    now: datetime,
    expires_at: datetime | None = None,
    came: bool = False,
) -> Verdict:
    """Judge one contact of a kind at `now`.

    `came` says that the customer is there (till, call): quiet hours, gap and pause do not hold.
    """
    if expires_at is not None and now >= expires_at:
        return Verdict("drop", "expired", now)
    if kind == SERVICE:
        return Verdict("send", "", now)
    rules = _rules(policy, pressure, kind, now, came)
    moment, reason = now, ""
    for _ in range(_ROUNDS):
        said = [(to, word) for word, rule in rules if (to := rule(moment)) != moment]
        if not said:
            break
        never = [word for to, word in said if to is None]
        if never:
            return Verdict("drop", never[0], now)
        later, word = max((at, word) for at, word in said if at is not None)
        reason = reason or word
        moment = later
    if moment == now:
        return Verdict("send", "", now)
    if expires_at is not None and moment >= expires_at:
        return Verdict("drop", f"{reason}_until_expiry", moment)
    return Verdict("defer", reason, moment)


def after(pressure: Pressure, contact: Contact) -> Pressure:
    """The state once this contact has been made."""
    return replace(pressure, contacts=(*pressure.contacts, contact))


Rule = Callable[[datetime], datetime | None]
_ROUNDS: Final = 100  # each round moves by a rule's own step; quiet hours alone need a few


def _rules(
    policy: Policy, pressure: Pressure, kind: str, now: datetime, came: bool
) -> list[tuple[str, Rule]]:
    """The rules that hold for this contact, each with its word."""
    rules: list[tuple[str, Rule]] = [
        (mute.reason, _from(_end(mute, now))) for mute in pressure.mutes
    ]
    caps = policy.caps
    if pressure.per_week is not None:
        caps = (*caps, Cap(TOGETHER, 168, pressure.per_week))
    counted = [contact for contact in pressure.contacts if contact.kind != SERVICE]
    rules += [
        (_word(cap), _cap(cap, counted))
        for cap in caps
        if len(counted) >= cap.most and cap.kind in (kind, TOGETHER)
    ]
    if came:
        return rules
    if pressure.paused_until is not None:
        rules.append(("paused", _from(pressure.paused_until)))
    if counted:
        last = max(contact.at for contact in counted)
        rules.append(("gap", _from(last + timedelta(hours=policy.gap_hours))))
    if policy.quiet_from != policy.quiet_until:
        rules.append(("quiet_hours", _awake(policy, pressure.zone)))
    return rules


def _end(mute: Mute, now: datetime) -> datetime:
    """A mute can end before its time (the case is closed, the money is back): look every day."""
    tomorrow = now + timedelta(days=1)
    return tomorrow if mute.until is None else min(mute.until, tomorrow)


def _from(start: datetime) -> Rule:
    return lambda moment: max(moment, start)


def _cap(cap: Cap, contacts: Sequence[Contact]) -> Rule:
    window = timedelta(hours=cap.hours)
    counted = sorted(c.at for c in contacts if cap.kind in (c.kind, TOGETHER))

    def rule(moment: datetime) -> datetime | None:
        if cap.most <= 0:
            return None
        if len(counted) < cap.most:
            return moment
        return max(moment, counted[-cap.most] + window)

    return rule


def _awake(policy: Policy, zone: str | None) -> Rule:
    zones = (zone,) if zone else policy.zones or ("UTC",)
    return lambda moment: hours.next_allowed(moment, zones, policy.quiet_from, policy.quiet_until)


def _word(cap: Cap) -> str:
    return f"cap_{cap.kind or 'all'}_{cap.hours}h"
