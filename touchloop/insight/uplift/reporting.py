"""What an experiment says, as plain values for the command line and for a model's version."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from django.utils.translation import gettext as _

from touchloop.core.errors import Invalid
from touchloop.core.proportions import share
from touchloop.insight.uplift import asking, comparing, gain, learners, policy, reading
from touchloop.insight.uplift.comparing import Comparison
from touchloop.insight.uplift.experiment import Experiment, Floats


def of_file(
    path: Path, *, treatment: str, outcome: str, control: str, by: tuple[str, ...] = (),
    ignore: tuple[str, ...] = (), forest: bool = False, seeds: int = comparing.SEEDS, seed: int = 0,
) -> dict[str, Any]:  # fmt: skip
    """Everything that can be said of a randomised file. Raises Invalid."""
    started = time.perf_counter()
    if forest and not learners.forest_there():
        raise Invalid("causal-forest", _("it is not installed: pip install 'touchloop[causal]'"))
    tried = reading.experiment(
        path, treatment=treatment, outcome=outcome, control=control, ignore=ignore
    )
    for name in by:
        if name not in tried.groups:
            raise Invalid("by", f"{name} is no column of few values")
    names = (*learners.LEARNERS, asking.FOREST) if forest else learners.LEARNERS
    found: dict[str, Any] = {
        "n": len(tried.arms),
        "outcome": outcome,
        "features": list(tried.names),
        "refused": tried.refused,
        "arms": {label: _arm(tried, place) for place, label in enumerate(tried.labels)},
        "contrasts": {},
    }
    words = [f"{name}: {reason}." for name, reason in tried.refused.items()]
    for place, label in enumerate(tried.labels[1:], start=1):
        rows = (tried.arms == 0) | (tried.arms == place)
        data = Experiment(
            label, tried.features[rows], tried.names, tried.arms[rows] == place, tried.outcome[rows]
        )
        groups = {name: values[rows] for name, values in tried.groups.items()}
        found["contrasts"][label] = contrast(
            data, groups, by=by, names=names, seeds=seeds, seed=seed
        )
        words += [f"{label}: {word}" for word in found["contrasts"][label]["words"]]
    if _enough(tried):
        found["policy"] = _policy(tried, seed)
        words.append(found["policy"]["sentence"])
    return found | {"words": words, "seconds": time.perf_counter() - started}


def contrast(
    data: Experiment, groups: Mapping[str, npt.NDArray[Any]], *, by: Sequence[str] = (),
    names: Sequence[str] = learners.LEARNERS, seeds: int = comparing.SEEDS, seed: int = 0,
) -> dict[str, Any]:  # fmt: skip
    """One treatment against the control: effect, subgroups, and learners where there is enough."""
    whole = gain.effect(_("everybody"), data.treated, data.outcome, binary=data.binary)
    found: dict[str, Any] = {
        "effect": None if whole is None else plain(whole),
        "subgroups": subgroups(data, groups, by=by),
        "words": [],
    }
    small = data.too_small()
    if small:
        return found | {"words": [_("Too little to learn from: %s.") % small]}
    if not names or not data.names:
        return found | {
            "words": [_("Nothing is known of people by which they could be told apart.")]
        }
    compared = comparing.compare(data, seed=seed, names=names, seeds=seeds)
    return found | learned(data, compared) | {"words": list(compared.words)}


def learned(data: Experiment, compared: Comparison) -> dict[str, Any]:
    """The learners' standing, the curve of the best one and its tenths, all on unseen people."""
    known = np.isfinite(compared.effects)
    seen, scores = data.only(known), compared.effects[known]
    best = compared.standings[compared.best]
    shares = np.linspace(0.0, 1.0, gain.GRID + 1)
    lot = best.curves[:, -1].mean() * shares
    top = gain.top(scores, seen, fraction=comparing.TARGET, seed=0)
    return {
        "learners": {
            name: {
                "qini_area": each.mean,
                "qini_area_sd": each.spread,
                "qini_areas": list(each.areas),
                "per_treated": each.mean / max(compared.tested[0], 1),
                "effect_in_top_30": _mean(each.top),
            }
            for name, each in compared.standings.items()
        },
        "best": compared.best,
        "better_than_chance": compared.better_than_chance,
        "tested": {"treated": compared.tested[0], "held": compared.tested[1]},
        "curve": {
            "share": shares.tolist(),
            "gain": best.curves.mean(axis=0).tolist(),
            "low": best.curves.min(axis=0).tolist(),
            "high": best.curves.max(axis=0).tolist(),
            "random": lot.tolist(),
        },
        "tenths": [plain(each) for each in gain.by_tenth(scores, seen, seed=0)],
        "top_30": None if top is None else plain(top),
    }


def subgroups(
    data: Experiment, groups: Mapping[str, npt.NDArray[Any]], *, by: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """The effect in each value of each column of few values, or combination of those of `by`."""
    listed: list[tuple[str, npt.NDArray[Any]]] = []
    if by:
        whole = np.array(
            [", ".join(f"{name} {groups[name][row]}" for name in by) for row in range(data.n)],
            dtype=object,
        )
        listed.append(("", whole))
    else:
        listed = [(name, values) for name, values in groups.items()]
    found = []
    for name, values in listed:
        if name and len(set(values.tolist())) < 2:  # everybody: no subgroup
            continue
        for value in sorted({str(each) for each in values}):
            rows = values.astype(str) == value
            label = f"{name} = {value}" if name else value
            each = gain.effect(label, data.treated[rows], data.outcome[rows], binary=data.binary)
            if each is not None:
                found.append(plain(each))
    return found


def plain(each: gain.Effect) -> dict[str, Any]:
    """An effect as plain values, with the people gained."""
    people, low, high = each.people
    return asdict(each) | {"people": people, "people_low": low, "people_high": high}


def _mean(values: Sequence[float]) -> float | None:
    """Of those that are known; None without any."""
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else None


def _arm(tried: reading.Tried, place: int) -> dict[str, Any]:
    outcome: Floats = tried.outcome[tried.arms == place]
    found: dict[str, Any] = {
        "n": len(outcome), "sum": float(outcome.sum()), "mean": float(outcome.mean())
    }  # fmt: skip
    if np.isin(tried.outcome, (0.0, 1.0)).all():
        rate = share(int(outcome.sum()), len(outcome))
        found |= {"low": rate.low, "high": rate.high}
    return found


def _enough(tried: reading.Tried) -> bool:
    return bool(np.bincount(tried.arms).min() >= 100 and np.ptp(tried.outcome) > 0)


def _policy(tried: reading.Tried, seed: int) -> dict[str, Any]:
    choice = policy.choose(
        tried.features, tried.arms, tried.outcome, seed=seed, labels=tried.labels
    )
    best = choice.single[choice.best]
    return {
        "learned": asdict(choice.learned),
        "single": {each.name: asdict(each) for each in choice.single},
        "best_single": best.name,
        "gap": dict(zip(("value", "low", "high"), choice.gap, strict=True)),
        "better": choice.better,
        "sentence": choice.sentence,
    }
