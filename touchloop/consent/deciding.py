"""decide(): may this be used, for this purpose, about this person, now?

One pure function, deny by default. Every use asks it: ingest, merge, segment, render, hand-off,
export, staff view, model, prompt. The reasons it gives are words that staff and person may read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Literal

from msgspec import Struct

from touchloop.consent.matrix import Rule, default, strictest
from touchloop.consent.purposes import BIT, PURPOSES

GRANTED, DENIED, OBJECTED, PENDING = "granted", "denied", "objected", "pending"

# A ledger row of this "purpose" says whether the person is a child.
CHILD = "child"
# To object to marketing is to object to being profiled and advertised to for it (GDPR 21(2)).
_FOR_MARKETING = ("profile", "share")
_AGAINST = (DENIED, OBJECTED)
_BY_DEFAULT = (Rule.YES, Rule.SUM)
# A browser's Global Privacy Control objects to these, unless the person explicitly granted them.
GPC_PURPOSES = ("share", "profile")

Verdict = Literal["allow", "deny", "ask"]


class Choice(Struct, frozen=True, gc=False):
    """What a person said last about one thing, and the row of the ledger that says so."""

    state: str
    grant_id: int
    at: datetime
    basis: str = ""


class PersonConsent(Struct, frozen=True):
    """A person's choices: use by (purpose, category, "" for all), contact by (channel, topic).

    `purposes` are those that were read, None all of them: of others nothing may be asked.
    """

    use: Mapping[tuple[str, str], Choice] = {}
    contact: Mapping[tuple[str, str], Choice] = {}
    child: bool = False
    purposes: frozenset[str] | None = None


class Decision(Struct, frozen=True, gc=False):
    """The verdict, why, and the ledger rows it rests on."""

    verdict: Verdict
    reasons: tuple[str, ...]
    grants: tuple[int, ...] = ()

    @property
    def allowed(self) -> bool:
        return self.verdict == "allow"


NOBODY_SAID_ANYTHING = PersonConsent()


def decide(
    person: PersonConsent,
    *,
    purpose: str,
    categories: Iterable[str],
    channel: str | None = None,
    topic: str = "",
    about_one: bool = True,
) -> Decision:
    """Decide one use of data of some categories; with `channel`, also whether to contact.

    `about_one` is False for sums over many people. A value made of several categories falls under
    the strictest of them. Unknown words are denied. Raises LookupError for a purpose that was not
    read of this person.
    """
    if person.purposes is not None and purpose not in person.purposes:
        raise LookupError(f"what this person said of {purpose!r} was not read")
    given = tuple(categories)
    if purpose not in PURPOSES or not given:
        return Decision("deny", (f"there is no purpose {purpose!r} for this data",))
    use = _use(person, purpose, given, about_one)
    if channel is None or use.verdict == "deny":
        return use
    contact = _contact(person, purpose, channel, topic)
    worst: Verdict = (
        "deny"
        if contact.verdict == "deny"
        else ("ask" if "ask" in (use.verdict, contact.verdict) else "allow")
    )
    return Decision(worst, use.reasons + contact.reasons, use.grants + contact.grants)


def mask(person: PersonConsent, *, category: str) -> int:
    """The purposes for which data of a category may be used about this person, as bits.

    What the policy allows in sums only counts as allowed here for `improve`, which never shows one.
    """
    return sum(
        BIT[purpose]
        for purpose in PURPOSES
        if decide(
            person, purpose=purpose, categories=(category,), about_one=purpose != "improve"
        ).allowed
    )


def _use(
    person: PersonConsent, purpose: str, categories: tuple[str, ...], about_one: bool
) -> Decision:
    rule = _rule(categories, purpose)
    if rule is Rule.NEVER:
        return Decision("deny", (f"{_listed(categories)} is never used for {purpose}",))
    if person.child and purpose in ("marketing", "profile", "share", "train"):
        return Decision("deny", (f"no {purpose} about a child",))
    said = [
        choice
        for category in categories
        if (choice := _choice(person, purpose, category)) is not None
    ]
    against = [choice for choice in said if choice.state in _AGAINST]
    if purpose in _FOR_MARKETING or "inferred" in categories:
        against += _objections(person, purpose, categories)
    if against:
        word = "objected to" if against[0].state == OBJECTED else "refused"
        return Decision(
            "deny", (f"the person {word} {purpose}",), tuple([one.grant_id for one in against])
        )
    if rule is Rule.SUM and about_one:
        return Decision("deny", (f"{_listed(categories)} may be used for {purpose} in sums only",))
    if rule in _BY_DEFAULT:
        return Decision("allow", (f"{_listed(categories)} may be used for {purpose} by default",))
    granted = [choice for choice in said if choice.state == GRANTED]
    if len(granted) == len(categories):
        return Decision(
            "allow", (f"the person agreed to {purpose}",), tuple([one.grant_id for one in granted])
        )
    return Decision("ask", (f"{purpose} needs the person's agreement, which is not there",))


@cache
def _rule(categories: tuple[str, ...], purpose: str) -> Rule:
    return strictest([default(category, purpose) for category in categories])


def _objections(person: PersonConsent, purpose: str, categories: tuple[str, ...]) -> list[Choice]:
    """Objections to something else that reach this use as well."""
    found: list[Choice | None] = []  # see _USES_FOR in ledger.py: they are always read
    if purpose in _FOR_MARKETING:
        found.append(person.use.get(("marketing", "")))
    if "inferred" in categories:  # "do not profile me": then what was inferred is not used either
        found.append(person.use.get(("profile", "")))
    return [choice for choice in found if choice and choice.state == OBJECTED]


def _contact(person: PersonConsent, purpose: str, channel: str, topic: str) -> Decision:
    choice, of_channel = person.contact.get((channel, topic)), person.contact.get((channel, ""))
    if choice is None or (of_channel and of_channel.state == DENIED and of_channel.at >= choice.at):
        choice = of_channel  # leaving a channel ends every topic that was chosen before
    where = f"{channel} about {topic}" if topic else channel
    if choice and choice.state == DENIED:
        return Decision("deny", (f"the person does not want {where}",), (choice.grant_id,))
    if choice and choice.state == GRANTED:
        return Decision("allow", (f"the person wants {where}",), (choice.grant_id,))
    if choice and choice.state == PENDING:
        return Decision("ask", (f"{where} waits for confirmation",), (choice.grant_id,))
    if purpose == "service":
        return Decision("allow", ("service messages need no opt-in",))
    return Decision("ask", (f"the person was not asked about {where}",))


def _choice(person: PersonConsent, purpose: str, category: str) -> Choice | None:
    """What was said of this category, or of all; of the two, a refusal."""
    use = person.use
    own, of_all = use.get((purpose, category)), use.get((purpose, ""))
    if own is None or (own.state == GRANTED and of_all is not None and of_all.state != GRANTED):
        return of_all
    return own


def _listed(categories: tuple[str, ...]) -> str:
    return " with ".join(category.replace("_", " ") for category in categories)
