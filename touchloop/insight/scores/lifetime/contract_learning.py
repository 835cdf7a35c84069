"""Contracts learned from the lake: judged on held-out renewals, then fitted on all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from django.utils.translation import gettext as _

from touchloop.core.errors import Invalid
from touchloop.insight.models.api import Feature, Metric, Run, Trained, deciles
from touchloop.insight.scores.lifetime import contract_steps, contractual, renewing
from touchloop.insight.scores.lifetime.contracts import (
    MONTH,
    YEAR,
    Contracts,
    called,
    read,
    usual_period,
    with_period,
)
from touchloop.insight.scores.lifetime.contractual import Chances, Tenures
from touchloop.insight.scores.lifetime.grouping import Floats
from touchloop.insight.scores.lifetime.renewing import BG_BB, LABELS, REPLICATES, Renewing

LEAST, LEAST_LEFT = 30, 10  # contracts of a period, and those of them that ended
HELD_SHARE = 1 / 3  # of the time, at most a year
DISCOUNT = 0.10  # a year
AHEAD = 12  # renewals that a curve looks beyond what was seen


@dataclass(frozen=True, slots=True)
class Group:
    """Contracts of one period and what was learned from them."""

    period: float
    told: Contracts
    fit: Renewing


def train(run: Run) -> Trained | None:
    """Fit, judge and keep; None without any contract. Raises Invalid when none can be learned."""
    run.progress(_("Reading contracts"), 0.1)
    told = read(run, run.now)
    if not len(told.start):
        return None
    words: list[str] = []
    told = _periods(told, words)
    run.progress(_("Fitting"), 0.4)
    groups = _groups(told, seed=run.seed, replicates=REPLICATES, words=words)
    if not groups:
        raise Invalid("contracts", " ".join(words))
    run.progress(_("Judging on held-out renewals"), 0.7)
    metrics, held = _judged(run, told, words)
    events = run.engine.query(contract_steps.NAMES.sql()).column(0).to_pylist()
    asked, _left = told.asked()
    return Trained(
        parameters={
            "groups": {
                f"{each.period:g}": {
                    "period": called(each.period),
                    "period_days": each.period,
                    "model": each.fit.model,
                    "parameters": list(each.fit.parameters),
                    "draws": each.fit.draws,
                }
                for each in groups
            },
            "discount_a_year": DISCOUNT,
        },
        metrics=metrics,
        features=tuple(Feature(name, name, "bought") for name in events),
        n=len(told.start),
        since=_instant(float(told.start.min())),
        until=run.now,
        words=tuple(words),
        curves={"groups": [_curve(each) for each in groups], "held": held},
        drift={"renewals asked for": deciles(asked)},
    )


def _periods(told: Contracts, words: list[str]) -> Contracts:
    if told.unknown:
        words.append(
            _("%d contracts are left out: nothing tells when they started.") % told.unknown
        )
    if not np.isnan(told.period).any():
        return told
    usual = usual_period(told)
    if usual is None:
        words.append(_("Neither a term nor a renewal is told: months are assumed."))
    return with_period(told, usual or MONTH)


def _groups(
    told: Contracts, *, seed: int, replicates: int, words: list[str] | None = None
) -> list[Group]:
    """A fit for each period that has enough contracts, the largest first; others are words."""
    said = words if words is not None else []
    periods, counts = np.unique(told.period, return_counts=True)
    found = []
    for days in periods[np.argsort(-counts, kind="stable")].tolist():
        part = told.only(told.period == days)
        name = called(days)
        if len(part.start) < LEAST:
            said.append(
                _("%(name)s: %(n)d contracts are too few to learn from (%(least)d are needed).")
                % {"name": name, "n": len(part.start), "least": LEAST}
            )
            continue
        if part.running.all() and part.skips():
            fit = renewing.of_silence(_chances(part), seed=seed, replicates=replicates)
            said.append(_("%s: no end is told, and some come back after a pause (BG/BB).") % name)
            if not fit.boundary:
                found.append(Group(days, part, fit))
                continue
            said.append(f"{name}: {fit.boundary}")
        asked, left = part.asked()
        if int(left.sum()) < LEAST_LEFT or left.all():
            said.append(
                _("%(name)s: of %(n)d contracts %(left)d ended: nothing can be said of how long"
                  " they stay (at least %(least)d ends, and one that goes on, are needed).")
                % {"name": name, "n": len(part.start), "left": int(left.sum()),
                   "least": LEAST_LEFT}
            )  # fmt: skip
            continue
        data = contractual.tenures(asked, left)
        fit = renewing.of_ends(data, seed=seed, replicates=replicates)
        if fit.boundary:
            said.append(f"{name}: {fit.boundary}")
        if lapsed := int(part.lapsed().sum()):
            said.append(
                _("%(name)s: %(n)d contracts count as ended, because no renewal was told of them"
                  " when others' were.") % {"name": name, "n": lapsed}
            )  # fmt: skip
        found.append(Group(days, part, fit))
    return found


def _judged(
    run: Run, told: Contracts, words: list[str]
) -> tuple[tuple[Metric, ...], dict[str, Any]]:
    """How right what was learned until a cut was about the renewals that came due after it."""
    span = told.at - float(told.start.min())
    cut = run.now - timedelta(days=min(YEAR, HELD_SHARE * span))
    before = read(run, cut)
    period = dict(zip(told.keys, told.period.tolist(), strict=True))
    before = before.only(np.array([key in period for key in before.keys], dtype=bool))
    known = np.array([period[key] for key in before.keys], dtype=np.float64)
    before = replace(before, period=known)
    said: list[Floats] = []
    for group in _groups(before, seed=run.seed, replicates=0) if len(before.start) else []:
        if group.fit.model != BG_BB:
            said.append(_foretold(group, told))
    if not said or not sum(len(each) for each in said):
        words.append(_("Too little time has passed to hold renewals out: nothing is judged yet."))
        return (), {}
    chance, single, stayed = np.concatenate(said).T
    error, usual = (chance - stayed) ** 2, (single - stayed) ** 2
    half = 1.96 * float(error.std(ddof=1) / np.sqrt(len(error))) if len(error) > 1 else 0.0
    metric = Metric(
        _("Brier score of held-out renewals"), float(error.mean()), float(error.mean()) - half,
        float(error.mean()) + half, len(error), float(usual.mean()),
        _("one chance of leaving for all"), "lower",
    )  # fmt: skip
    return (metric,), {
        "n": len(chance), "expected": float(chance.sum()), "stayed": int(stayed.sum()),
        "since": cut,
    }  # fmt: skip


def _foretold(group: Group, now: Contracts) -> Floats:
    """Of contracts that ran at the cut: the chance that was foretold, that of one chance for all,
    and whether they stayed through the renewals that came due since.
    """
    then = group.told
    asked, left = then.asked()
    rate = float(left.sum() / max(asked.sum(), 1.0))
    place = {key: row for row, key in enumerate(now.keys)}
    there = ~left & np.array([key in place for key in then.keys], dtype=bool)
    rows = np.array([place[key] for key, known in zip(then.keys, there, strict=True) if known], int)
    renewed, came = asked[there], now.only_rows(rows)
    due = np.maximum(came.opportunities - renewed, 0.0)
    upto, ended = came.asked()
    stayed = ~ended | (upto > renewed + due)
    chance = renewing.stays(group.fit.model, group.fit.parameters, renewed, due)
    found = np.stack([chance, (1.0 - rate) ** due, stayed.astype(np.float64)], axis=1)
    return np.asarray(found[due > 0], dtype=np.float64)


def _chances(part: Contracts) -> Chances:
    n = part.opportunities
    x = np.minimum(part.renewals, n)
    last = np.rint((part.last - part.start) / part.period)
    return Chances(x, np.where(x > 0, np.clip(last, x, n), 0.0), n)


def _curve(group: Group) -> dict[str, Any]:
    """What a page shows of a period: who stayed after each renewal, seen and expected."""
    fit, name = group.fit, called(group.period)
    a_period = (1.0 + DISCOUNT) ** (group.period / YEAR) - 1.0
    found: dict[str, Any] = {
        "period": name, "model": fit.model, "label": str(LABELS[fit.model]),
        "parameters": fit.named, "log_likelihood": fit.log_likelihood, "boundary": fit.boundary,
        "n": len(group.told.start),
    }  # fmt: skip
    if fit.model == BG_BB:
        return found
    asked, left = group.told.asked()
    data = contractual.tenures(asked, left)
    found["left"] = int(data.left.sum())
    if fit.model == renewing.SBG:
        found["newcomer_payments"] = contractual.newcomer_value(*fit.parameters, discount=a_period)
    found["renewals"] = _survival(data, fit)
    return found


def _survival(data: Tenures, fit: Renewing) -> list[dict[str, float | None]]:
    """Kaplan and Meier's share with its 95 % interval (Greenwood, log-log), and the expected."""
    most = len(data.left)
    at_risk = np.array([data.left[t:].sum() + data.stay[t + 1 :].sum() for t in range(most)])
    share, variance, rows = 1.0, 0.0, []
    for t in range(most + AHEAD):
        expected = float(renewing.stays(fit.model, fit.parameters, 0.0, t + 1.0))
        row: dict[str, float | None] = {"renewal": t + 1, "expected": expected, "asked": None,
                                        "stayed": None, "low": None, "high": None}  # fmt: skip
        if t < most and at_risk[t] > 0:
            n, gone = float(at_risk[t]), float(data.left[t])
            share *= 1.0 - gone / n
            variance += gone / (n * (n - gone)) if n > gone else 0.0
            row |= {"asked": n, "stayed": share}
            if 0.0 < share < 1.0:
                wide = np.exp(1.96 * np.sqrt(variance) / abs(np.log(share)))
                row |= {"low": share**wide, "high": share ** (1.0 / wide)}
        rows.append(row)
    return rows


def _instant(day: float) -> datetime:
    return datetime.fromtimestamp(day * 86_400.0, UTC)
