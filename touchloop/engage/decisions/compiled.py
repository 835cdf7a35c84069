"""Book, policy and model made ready for deciding.

Every distinct question (is the customer in this segment? is it after that instant?) is answered
once for a customer; an offer is then a few places in the list of answers. What an answer says when
it holds the offer back is written beforehand, so that reasons cost nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from msgspec import Struct

from touchloop.core import clock
from touchloop.engage.decisions import asking as words
from touchloop.engage.decisions.asking import Held
from touchloop.engage.decisions.comparing import test_of
from touchloop.engage.decisions.facts import Facts, Needs
from touchloop.engage.decisions.funnel import Check, Funnel, Spoken, generate
from touchloop.engage.decisions.holding import EVERYTHING, customer_hash, offer_hash
from touchloop.engage.decisions.policy import Policy
from touchloop.engage.decisions.propensity import (
    Model,
    bucket_of,
    of_customer,
    propensities,
)
from touchloop.engage.offers import api as offers
from touchloop.engage.offers.api import Book, Comparison, Offer, Treatment


class Ready(Struct, frozen=True, gc=False):
    """An offer made ready: the parts of its priority that never change, and what is said of it."""

    offer: Offer
    index: int  # its place among the offers of the book
    value: float
    lever: float
    fixed: float  # value x lever, as far as they are switched on
    salt: int
    id: int
    mandatory: bool
    default: bool  # it sells, and is weighed
    held_out: float
    because: tuple[str, ...]  # what is true of the customer when it passes
    holdout: Held
    global_holdout: Held
    outranked: Held
    shown_enough: Held | None


class Compiled:
    """One book under one policy with one model."""

    def __init__(self, book: Book, policy: Policy, model: Model) -> None:
        self.book = book
        self.policy = policy
        self.model = model
        self._questions: dict[Hashable, int] = {}
        self._windows: list[tuple[int | None, int | None]] = []
        self._topics: list[str] = []
        self._required: list[int] = []
        self._forbidden: list[int] = []
        self._traits: list[tuple[str, Callable[[Any], bool]]] = []
        self._context: list[tuple[str, Callable[[Any], bool]]] = []
        self._number_questions()
        self.offers = tuple(self._ready(offer, n) for n, offer in enumerate(book.offers))
        # Lists by place, for the inner loops.
        self.after = [not ready.mandatory for ready in self.offers]
        self.any_mandatory = not all(self.after)
        self.fixed = [ready.fixed for ready in self.offers]
        self.explore = [ready.offer.explore for ready in self.offers]
        self.outranked = [ready.outranked for ready in self.offers]
        self.with_holdout = frozenset(n for n, ready in enumerate(self.offers) if ready.held_out)
        self.goals = {offer.id: (offer.goal, offer.goal_days) for offer in book.offers}
        self.goals[EVERYTHING] = (policy.settings.goal, policy.settings.goal_days)
        self.places = {ready.id: ready.index for ready in self.offers}
        self.said = Said(
            _("it is mandatory, and comes before all that is weighed"),
            _("taken in %.1f of 100 cases like this"),
            _("what was said just now counts %.2f times"),
            _("worth %.2f when it is taken"),
            _("the business counts it %.2f times"),
            _("“maybe later” still lowers it to %.2f"),
            _("it was taken on %s"),
            _("it was refused on %s"),
            _("“maybe later” was said on %s"),
        )
        self.needs = Needs(
            tuple(sorted(set(self._required) | set(self._forbidden))),
            tuple(sorted({name for name, _test in self._traits} | set(policy.settings.facts))),
            tuple(sorted({offer.topic for offer in book.offers})),
            tuple(sorted({offer.starting_score for offer in book.offers} - {""})),
        )
        self._places: dict[tuple[str, str], Place] = {}
        self._weights: dict[tuple[int, ...], list[float]] = {}
        self._propensities: dict[str, list[float]] = {}
        self.everything = offer_hash(policy.salt, EVERYTHING)

    def answers(self, facts: Facts) -> list[Any]:
        """For each question, False when it holds nothing back; else True, or why in words."""
        at, members, traits = facts.at, frozenset(facts.members), facts.traits
        context = facts.context | {
            "channel": facts.channel, "location": facts.location, "placement": facts.placement
        }  # fmt: skip
        found: list[Any] = [
            (starts is not None and at < starts) or (ends is not None and at >= ends)
            for starts, ends in self._windows
        ]
        found += [facts.refused.get(topic, False) for topic in self._topics]
        found.append(facts.personal or False)
        found.append(facts.muted or False)
        found += [segment not in members for segment in self._required]
        found += [segment in members for segment in self._forbidden]
        found += [not test(traits.get(name)) for name, test in self._traits]
        found += [not test(context.get(name)) for name, test in self._context]
        return found

    def place(self, channel: str, placement: str) -> Place:
        """The offers that have a treatment here, with it; and those that have none."""
        kept = self._places.get((channel, placement))
        if kept is None:
            if len(self._places) >= 1_000:
                self._places.clear()
            kept = self._places[channel, placement] = self._placed(channel, placement)
        return kept

    def weights(self, facts: Facts) -> list[float]:
        """The context weight of each offer of the book: percentages that apply, added."""
        rules = self.policy.settings.weights
        context = facts.context
        met = tuple(
            n
            for n, rule in enumerate(rules)
            if all(str(context.get(key)) == value for key, value in rule.when.items())
        )
        kept = self._weights.get(met)
        if kept is None:
            if len(self._weights) >= 1_000:
                self._weights.clear()
            kept = self._weights[met] = [self._weight(ready.offer, met) for ready in self.offers]
        return kept

    def propensities(self, bucket: str) -> list[float]:
        """The propensity of each offer of the book."""
        kept = self._propensities.get(bucket)
        if kept is None:
            if len(self._propensities) >= 10_000:
                self._propensities.clear()
            kept = propensities(self.model, self.book.offers, bucket)
            self._propensities[bucket] = kept
        return kept

    def learned(self, facts: Facts) -> list[float]:
        """The propensity of each offer of the book for this customer."""
        bucket = bucket_of(facts, self.policy.settings.facts)
        found = self.propensities(bucket)
        if not facts.scores:
            return found
        offers = self.book.offers
        return of_customer(self.model, offers, bucket, learned=found, scores=facts.scores)

    def customer_hash(self, customer_id: int) -> int:
        return customer_hash(self.policy.salt, customer_id)

    def _weight(self, offer: Offer, met: Sequence[int]) -> float:
        if not self.policy.settings.context:
            return 1.0
        rules = (self.policy.settings.weights[n] for n in met)
        percent = sum(
            rule.percent
            for rule in rules
            if rule.topic in ("", offer.topic) and rule.offer in ("", offer.slug)
        )
        return max(0.0, 1 + percent / 100)

    def _placed(self, channel: str, placement: str) -> Place:
        treatments: dict[int, Treatment] = {}
        nowhere = []
        for ready in self.offers:
            treatment = _treatment(ready.offer, channel, placement)
            if treatment is None:
                where = " ".join(filter(None, (channel, placement)))
                reason = _("it has no treatment for %s") % where
                nowhere.append(_held(ready.offer, words.NO_TREATMENT, reason))
            else:
                treatments[ready.index] = treatment
        checks = [
            (index, self._first(offer), self._checks(offer), self._last(offer))
            for index, offer in ((n, self.book.offers[n]) for n in treatments)
        ]
        funnel = generate(checks, answers=len(self._questions))
        return Place(treatments, tuple(nowhere), funnel)

    def _number_questions(self) -> None:
        """The questions of each kind stand together, in the order in which `answers` puts them."""
        rules = [rule for offer in self.book.offers for _name, rule in offer.policies]
        for offer in self.book.offers:
            self._number(self._windows, "window", _window(offer))
        for offer in self.book.offers:
            self._number(self._topics, "topic", _topic(offer))
        for alone in ("personal", "muted"):
            self._questions[alone] = len(self._questions)
        for rule in rules:
            for id in rule.required:
                self._number(self._required, "required", id)
        for rule in rules:
            for id in rule.forbidden:
                self._number(self._forbidden, "forbidden", id)
        for rule in rules:
            for each in rule.traits:
                self._number(self._traits, "trait", _key(each), (each.name, test_of(each)))
        for rule in rules:
            for each in rule.context:
                self._number(self._context, "context", _key(each), (each.name, test_of(each)))

    def _number(self, kind: list[Any], name: str, key: Hashable, kept: Any = None) -> None:
        if (name, key) not in self._questions:
            self._questions[name, key] = len(self._questions)
            kind.append(key if kept is None else kept)

    def _ready(self, offer: Offer, index: int) -> Ready:
        settings = self.policy.settings
        lever = max(0.0, 1 + (offer.lever + settings.topics.get(offer.topic, 0.0)) / 100)
        return Ready(
            offer,
            index,
            offer.value,
            lever,
            (offer.value if settings.value else 1.0) * (lever if settings.lever else 1.0),
            offer_hash(self.policy.salt, offer.id),
            offer.id,
            offer.kind == "mandatory",
            offer.kind == "default",
            offer.holdout,
            tuple(
                part
                for _name, rule in offer.policies
                for part in offers.parts_of(rule, self.book.segments)
            ),
            _held(offer, words.HOLDOUT, _("the customer is in the holdout of this offer")),
            _held(
                offer, words.GLOBAL_HOLDOUT, _("the customer is in the holdout of all that sells")
            ),
            _held(offer, words.OUTRANKED, _("others have a higher priority here and now")),
            _enough(offer),
        )

    def _checks(self, offer: Offer) -> list[Check]:
        at = self._questions
        found = [(at["window", _window(offer)], _held(offer, words.NOT_NOW, _validity(offer)))]
        for policy, rule in offer.policies:
            said = [_("it asks that %s") % part
                    for part in offers.parts_of(rule, self.book.segments)]  # fmt: skip
            places = [
                *(at["required", id] for id in rule.required),
                *(at["forbidden", id] for id in rule.forbidden),
                *(at["trait", _key(each)] for each in rule.traits),
                *(at["context", _key(each)] for each in rule.context),
            ]
            stage = words.NOT[policy]
            found += [
                (place, _held(offer, stage, text)) for place, text in zip(places, said, strict=True)
            ]
        return found

    def _first(self, offer: Offer) -> list[Spoken]:
        """Whether what is known of the person may be asked about at all."""
        personal = any(rule.personal for _name, rule in offer.policies)
        return [(self._questions["personal"], words.NOT_USABLE)] if personal else []

    def _last(self, offer: Offer) -> list[Spoken]:
        """Consent for the topic here; and for what sells, that nothing mutes it."""
        found = [(self._questions["topic", _topic(offer)], words.CONSENT)]
        if offer.selling:
            found.append((self._questions["muted"], words.MUTED))
        return found


class Said(Struct, frozen=True, gc=False):
    """Sentences with a place for a number or a day, in the language of this process."""

    mandatory: str
    propensity: str
    weight: str
    value: str
    lever: str
    memory: str
    taken: str
    refused: str
    later: str


class Place(Struct, frozen=True, gc=False):
    """What can be shown at one channel and placement."""

    treatments: dict[int, Treatment]  # by the offer's place in the book
    nowhere: tuple[Held, ...]
    funnel: Funnel


def _held(offer: Offer, stage: str, reason: str) -> Held:
    return Held(offer.id, offer.slug, stage, reason)


def _window(offer: Offer) -> tuple[int | None, int | None]:
    return _micros(offer.starts_at), _micros(offer.ends_at)


def _micros(at: datetime | None) -> int | None:
    return None if at is None else clock.micros(at)


def _topic(offer: Offer) -> str:
    return ("sell:" if offer.selling else "serve:") + offer.topic


def _key(each: Comparison) -> Hashable:
    value = tuple(each.value) if isinstance(each.value, list) else each.value
    return each.name, each.op, type(each.value), value


def _validity(offer: Offer) -> str:
    if offer.starts_at and offer.ends_at:
        return _("it is valid from %(from)s to %(to)s") % {
            "from": _day(offer.starts_at), "to": _day(offer.ends_at)
        }  # fmt: skip
    if offer.starts_at:
        return _("it is valid from %s on") % _day(offer.starts_at)
    return _("it was valid until %s") % _day(offer.ends_at) if offer.ends_at else ""


def _day(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else ""


def _enough(offer: Offer) -> Held | None:
    if offer.impressions is None or offer.kind != "default":
        return None
    reason = _("it was shown %(most)d times within %(days)g days") % {
        "most": offer.impressions.most, "days": offer.impressions.days
    }  # fmt: skip
    return _held(offer, words.SHOWN_ENOUGH, reason)


def _treatment(offer: Offer, channel: str, placement: str) -> Treatment | None:
    """That of the placement, else that of the whole channel."""
    of_channel: Mapping[str, Treatment] = {
        each.placement: each for each in offer.treatments if each.channel == channel
    }
    return of_channel.get(placement) or of_channel.get("")
