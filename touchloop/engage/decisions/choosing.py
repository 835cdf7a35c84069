"""The funnel and the arbitration: from complete facts to the answer, without asking anybody.

Priority = propensity x context weight x value x lever (x what earlier answers leave of it), after
Pega's published arbitration. Pure: the same compiled book, facts and propensities give the same
choice, which is how a decision replays. Offers are known by their place in the book, which is the
order of their numbers; lists by place keep the inner loops short.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from touchloop.engage.decisions.asking import Chosen, Held
from touchloop.engage.decisions.compiled import Compiled, Place, Ready
from touchloop.engage.decisions.facts import Facts
from touchloop.engage.decisions.holding import EVERYTHING
from touchloop.engage.decisions.holding import place as place_of
from touchloop.engage.decisions.memory import remembered


class Weighed(NamedTuple):
    """The offers that passed everything but perhaps a holdout, and what they weigh."""

    passed: Sequence[int]
    propensities: Sequence[float]
    weights: Sequence[float]  # of the whole book
    memory: Mapping[int, float]  # where earlier answers lower it
    ranking: list[int]
    ghosts: Mapping[int, Held]  # those that a holdout keeps from being chosen


class Choice(NamedTuple):
    """What came out. `exposures` are (offer or 0, held out) for the comparison with holdouts."""

    chosen: tuple[Chosen, ...]
    held: tuple[Held, ...]
    weighed: Weighed
    holdout: bool
    explored: bool
    first: int | None
    exposures: tuple[tuple[int, bool], ...]


def choose(
    compiled: Compiled,
    facts: Facts,
    *,
    given: Sequence[float] | None = None,
    explain: bool = True,
) -> Choice:
    """Decide. `given` are the propensities of a stored decision, in the order of its candidates."""
    place = compiled.place(facts.channel, facts.placement)
    passed, held, spoken = place.funnel(compiled.answers(facts))
    held += [_said(compiled.offers[n], stage, why) for n, stage, why in spoken]
    memory = _remembered(compiled, facts, passed, held) if facts.outcomes else {}
    everything = _out_of_all(compiled, facts)
    weighed = _weigh(compiled, facts, passed, memory, everything, given)
    ghosts, limit = weighed.ghosts, facts.limit
    open_to = [n for n in weighed.ranking if n not in ghosts] if ghosts else None
    picked, first, explored, chance = _explored(
        compiled, weighed.ranking if open_to is None else open_to, facts.draw
    )
    if explain:
        held += place.nowhere
        held += ghosts.values()
        outranked = compiled.outranked
        held += [outranked[n] for n in picked[limit:]]
    top = picked[:limit]
    chosen = [_chosen(compiled, place, weighed, n, chance if n == first else 1.0) for n in top]
    return Choice(
        tuple(chosen),
        tuple(held) if explain else (),
        weighed,
        everything,
        explored,
        compiled.offers[first].id if first in top and first is not None else None,
        _exposures(compiled, weighed, limit, everything),
    )


def ranked(compiled: Compiled, facts: Facts, choice: Choice) -> tuple[Chosen, ...]:
    """All candidates in the order of their priority, also those held out or outranked."""
    chances = {each.offer_id: each.probability for each in choice.chosen}
    here, offers = compiled.place(facts.channel, facts.placement), compiled.offers
    return tuple(
        _chosen(compiled, here, choice.weighed, n, chances.get(offers[n].id, 0.0))
        for n in choice.weighed.ranking
    )


def arbitrated(compiled: Compiled, facts: Facts, learned: Sequence[float]) -> list[int]:
    """The places of what could have been first, as these propensities (of the whole book) rank it:
    neither mandatory nor held out.
    """
    place = compiled.place(facts.channel, facts.placement)
    passed, held, _spoken = place.funnel(compiled.answers(facts))
    memory = _remembered(compiled, facts, passed, held) if facts.outcomes else {}
    everything = _out_of_all(compiled, facts)
    given = [learned[n] for n in passed]
    weighed = _weigh(compiled, facts, passed, memory, everything, given)
    return [n for n in weighed.ranking if compiled.after[n] and n not in weighed.ghosts]


def _remembered(
    compiled: Compiled, facts: Facts, passed: list[int], held: list[Held]
) -> dict[int, float]:
    """What earlier answers leave of offers, by their place; what they hold back leaves `passed`."""
    answers: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for offer_id, outcome, at in facts.outcomes:
        answers[offer_id].append((outcome, at))
    left: dict[int, float] = {}
    for offer_id, said in answers.items():
        n = compiled.places.get(offer_id)
        if n is None or n not in passed:
            continue
        found = remembered(compiled.offers[n], said, facts.at, said=compiled.said)
        if isinstance(found, float):
            left[n] = found
        else:
            held.append(found)
            passed.remove(n)
    return left


def _weigh(
    compiled: Compiled,
    facts: Facts,
    passed: Sequence[int],
    memory: Mapping[int, float],
    everything: bool,
    given: Sequence[float] | None,
) -> Weighed:
    settings = compiled.policy.settings
    if given is None:
        learned = compiled.learned(facts)
        given = [learned[n] for n in passed]
    elif len(given) != len(passed):
        raise ValueError("this decision was stored with other candidates")
    weights, fixed = compiled.weights(facts), compiled.fixed
    if settings.propensity:
        minus = {n: -(p * weights[n] * fixed[n]) for n, p in zip(passed, given, strict=True)}
    else:
        minus = {n: -(weights[n] * fixed[n]) for n in passed}
    for n, left in memory.items():
        minus[n] *= left
    # By priority, those with the same by number; all that is mandatory before.
    ranking = sorted(passed, key=minus.__getitem__)
    if compiled.any_mandatory:
        ranking.sort(key=compiled.after.__getitem__)
    ghosts = _ghosts(compiled, facts.customer_id, passed, everything)
    return Weighed(passed, given, weights, memory, ranking, ghosts)


def _ghosts(
    compiled: Compiled, customer_id: int, passed: Sequence[int], everything: bool
) -> dict[int, Held]:
    offers = compiled.offers
    found = {}
    if everything:
        found = {n: offers[n].global_holdout for n in passed if offers[n].default}
    if compiled.with_holdout:
        customer = compiled.customer_hash(customer_id)
        for n in compiled.with_holdout.intersection(passed):
            if n not in found and place_of(customer, offers[n].salt) < offers[n].held_out:
                found[n] = offers[n].holdout
    return {n: found[n] for n in sorted(found)}


def _explored(
    compiled: Compiled, ranking: list[int], draw: float
) -> tuple[list[int], int | None, bool, float]:
    """With the share of exploration, another than the best goes first.

    Offer i of K is explored with the probability e_i / K (e_i: its own share), so that the best is
    first with 1 - mean(e) + e_best / K. Gives the new ranking, the first that was weighed, whether
    it was explored, and the chance of its being first.
    """
    ahead, after = 0, compiled.after
    while ahead < len(ranking) and not after[ranking[ahead]]:
        ahead += 1
    rest = ranking[ahead:] if ahead else ranking
    if not rest:
        return ranking, None, False, 1.0
    k, explore = len(rest), compiled.explore
    share = sum([explore[n] for n in rest]) / k
    best = pick = rest[0]
    if draw < share:
        pick = _drawn(explore, sorted(rest), draw * k)
        ranking = [*ranking[:ahead], pick, *(n for n in rest if n != pick)]
    chance = explore[pick] / k + (1 - share if pick == best else 0.0)
    return ranking, pick, draw < share, chance


def _drawn(explore: Sequence[float], places: Sequence[int], mark: float) -> int:
    """In the order of their numbers, each with a stretch of its own share: ranks may tie."""
    reached = 0.0
    for n in places:
        reached += explore[n]
        if mark < reached:
            return n
    return next(n for n in reversed(places) if explore[n])


def _out_of_all(compiled: Compiled, facts: Facts) -> bool:
    share = compiled.policy.settings.holdout
    if not share:
        return False
    return place_of(compiled.customer_hash(facts.customer_id), compiled.everything) < share


def _exposures(
    compiled: Compiled, weighed: Weighed, limit: int, everything: bool
) -> tuple[tuple[int, bool], ...]:
    """Who came to the point where an offer would have been shown, on either side of its holdout.

    The ranking still contains what is held out, and no exploration: both sides are found in the
    same way, so that they differ by the holdout alone.
    """
    top = [compiled.offers[n] for n in weighed.ranking[:limit]]
    found: list[tuple[int, bool]] = []
    if compiled.policy.settings.holdout and any(ready.default for ready in top):
        found.append((EVERYTHING, everything))
    if not everything:
        found += [(ready.id, ready.index in weighed.ghosts) for ready in top if ready.held_out]
    return tuple(found)


def _chosen(compiled: Compiled, place: Place, weighed: Weighed, n: int, chance: float) -> Chosen:
    ready = compiled.offers[n]
    propensity, weight = weighed.propensities[weighed.passed.index(n)], weighed.weights[n]
    memory = weighed.memory.get(n, 1.0)
    counted = propensity if compiled.policy.settings.propensity else 1.0
    return Chosen(
        ready.id,
        ready.offer.slug,
        ready.offer.name,
        place.treatments[n],
        counted * weight * ready.fixed * memory,
        propensity,
        weight,
        ready.value,
        ready.lever,
        chance,
        _reasons(compiled, ready, propensity, weight, memory),
    )


def _reasons(
    compiled: Compiled, ready: Ready, propensity: float, weight: float, memory: float
) -> tuple[str, ...]:
    """Why it stands where it stands, in sentences."""
    settings, said = compiled.policy.settings, compiled.said
    found = [*ready.because]
    if ready.mandatory:
        found.append(said.mandatory)
    if settings.propensity:
        found.append(said.propensity % (propensity * 100))
    if settings.context and weight != 1:
        found.append(said.weight % weight)
    if settings.value:
        found.append(said.value % ready.value)
    if settings.lever and ready.lever != 1:
        found.append(said.lever % ready.lever)
    if memory < 1:
        found.append(said.memory % memory)
    return tuple(found)


def _said(ready: Ready, stage: str, reason: object) -> Held:
    return Held(ready.id, ready.offer.slug, stage, str(reason))
