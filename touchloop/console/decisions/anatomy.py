"""A decision laid open: its funnel stage by stage, and each priority factor by factor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from touchloop.console.customers import wording
from touchloop.console.customers.sight import HIDDEN, Sight
from touchloop.console.decisions import words
from touchloop.console.offers.words import where
from touchloop.core import clock
from touchloop.core.db import Connection
from touchloop.engage.decisions.api import Anatomy, Chosen, Held
from touchloop.engage.offers import api as offers
from touchloop.engage.offers.api import Offer

ALL_FACTORS = ("propensity", "weight", "value", "lever")


@dataclass(frozen=True, slots=True)
class HeldBack:
    """An offer that was held back, and why."""

    name: str
    href: str
    reason: str


@dataclass(frozen=True, slots=True)
class Step:
    """A stage of the funnel that held something back, and how many were left after it."""

    stage: str
    label: str
    held: Sequence[HeldBack]
    left: int
    width: int


@dataclass(frozen=True, slots=True)
class Factor:
    """A factor of a priority; `width` in percent of the largest in its column."""

    label: str
    shown: str
    width: int
    off: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """An offer that was weighed."""

    id: int
    name: str
    href: str
    where: str
    texts: Mapping[str, str]
    factors: Sequence[Factor]
    priority: Factor
    rank: int
    probability: float
    result: str
    reasons: Sequence[str]


@dataclass(frozen=True, slots=True)
class Laid:
    """A decision as pages show it."""

    total: int
    steps: Sequence[Step]
    candidates: Sequence[Candidate]
    held: int
    weighed: int

    @property
    def proposed(self) -> Sequence[Candidate]:
        return sorted((each for each in self.candidates if each.rank), key=lambda each: each.rank)


def lay(conn: Connection, found: Anatomy, sees: Sight, *, most: int | None = None) -> Laid:
    """Everything about one decision in words and bars, as far as this reader may see it.

    Of the candidates `most`, in the order of their priority, and what was proposed in any case.
    """
    book = {each.id: each for each in offers.book(conn, found.decision.book_id).offers}
    settings = settings_of(conn, found.decision.policy_version)
    by_stage: dict[str, list[HeldBack]] = {}
    for each in found.decision.held:
        by_stage.setdefault(each.stage, []).append(_held(each, book, sees))
    left, steps = len(book), []
    for stage, label in words.STAGES.items():
        if held := by_stage.get(stage):
            left -= len(held)
            steps.append(Step(stage, str(label), held, left, _percent(left, len(book))))
    return Laid(
        len(book),
        steps,
        _candidates(found, book, settings, sees, most=most),
        len(found.decision.held),
        len(found.candidates),
    )


def settings_of(conn: Connection, version: int) -> Mapping[str, Any]:
    """The settings under which a decision was made."""
    row = conn.execute(
        "SELECT settings, at FROM decision_policies WHERE version = %s", (version,)
    ).fetchone()
    return {**(row[0] if row else {}), "at": row[1] if row else None}


def known(conn: Connection, found: Anatomy, sees: Sight) -> dict[str, Any]:
    """What the decision looked at, in words."""
    facts, book = found.facts, offers.book(conn, found.decision.book_id)
    names = {each.id: each.name for each in book.offers}
    return {
        "stage": wording.stage(facts.stage) if facts.stage else "",
        "traits": [
            (name, wording.value(value) if sees.shows_trait(name) else HIDDEN)
            for name, value in facts.traits.items()
        ],
        "segments": [(id, book.segments.get(id, str(id))) for id in facts.members],
        "context": [(str(name), wording.value(value)) for name, value in facts.context.items()],
        "personal": facts.personal,
        "profiled": facts.profiled,
        "muted": facts.muted,
        "refused": [(key.partition(":")[2] or _("any topic"), why) for key, why
                    in facts.refused.items() if key.startswith("sell:")],
        "answers": [
            (names.get(offer_id, _("Offer %d") % offer_id), words.ANSWERS.get(outcome, ""),
             clock.from_micros(at))
            for offer_id, outcome, at in facts.outcomes[-20:]
        ],
    }  # fmt: skip


def _held(each: Held, book: Mapping[int, Offer], sees: Sight) -> HeldBack:
    offer = book.get(each.offer_id)
    policy = words.POLICY_OF.get(each.stage, "")
    veiled = (
        offer is not None
        and not sees.everything
        and any(
            name == policy and not all(sees.shows_trait(one.name) for one in rule.traits)
            for name, rule in offer.policies
        )
    )
    return HeldBack(
        offer.name if offer else each.offer,
        f"{reverse('offers')}{each.offer_id}/",
        _("it asks for a detail that your role does not see") if veiled else each.reason,
    )


def _candidates(
    found: Anatomy,
    book: Mapping[int, Offer],
    settings: Mapping[str, Any],
    sees: Sight,
    *,
    most: int | None,
) -> list[Candidate]:
    chosen = {each.offer_id: rank for rank, each in enumerate(found.decision.offers, start=1)}
    held = {each.offer_id: str(words.STAGES.get(each.stage, "")) for each in found.decision.held}
    top = {name: max((getattr(each, name) for each in found.candidates), default=0.0)
           for name in (*ALL_FACTORS, "priority")}  # fmt: skip
    return [
        Candidate(
            each.offer_id,
            each.name,
            f"{reverse('offers')}{each.offer_id}/",
            where(each.treatment),
            each.treatment.texts,
            _factors(each, settings, top),
            Factor(_("Priority"), _figure(each.priority), _percent(each.priority, top["priority"])),
            chosen.get(each.offer_id, 0),
            each.probability,
            held.get(each.offer_id, ""),
            _reasons(each, book.get(each.offer_id), sees),
        )
        for n, each in enumerate(found.candidates)
        if most is None or n < most or each.offer_id in chosen
    ]


def _factors(each: Chosen, settings: Mapping[str, Any], top: Mapping[str, float]) -> list[Factor]:
    """The four of every priority, and what an earlier "maybe later" leaves of it."""
    found, product = [], 1.0
    for name in ALL_FACTORS:
        off = not settings.get("context" if name == "weight" else name, True)
        value = getattr(each, name)
        product *= 1.0 if off else value
        shown = f"{value * 100:.1f} %" if name == "propensity" else _figure(value)
        found.append(Factor(str(FACTORS[name]), shown, _percent(value, top[name]), off))
    memory = each.priority / product if product else 1.0
    if memory < 0.9995:
        found.append(Factor(_("Maybe later"), f"{memory:.2f}", _percent(memory, 1.0)))
    return found


def _reasons(each: Chosen, offer: Offer | None, sees: Sight) -> list[str]:
    """The reasons come condition by condition, and then the factors: so a place can be veiled."""
    if offer is None or sees.everything:
        return list(each.reasons)
    hidden, place = set(), 0
    for _name, rule in offer.policies:
        place += len(rule.required) + len(rule.forbidden)
        for comparison in rule.traits:
            if not sees.shows_trait(comparison.name):
                hidden.add(place)
            place += 1
        place += len(rule.context)
    veil = _("it asks for a detail that your role does not see")
    return [veil if n in hidden else reason for n, reason in enumerate(each.reasons)]


def _percent(part: float, whole: float) -> int:
    return max(0, min(100, round(100 * part / whole))) if whole > 0 else 0


def _figure(number: float) -> str:
    return f"{number:.3g}" if abs(number) < 1 else f"{number:,.2f}"


FACTORS = {
    "propensity": gettext_lazy("Propensity"),
    "weight": gettext_lazy("Context"),
    "value": gettext_lazy("Value"),
    "lever": gettext_lazy("Lever"),
}
