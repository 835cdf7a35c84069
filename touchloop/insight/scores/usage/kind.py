"""The usage gap as a kind of model: a rule over peers, and whether those below it leave more often.

It is counted, not fitted: the score is the share of the peers who use more, of those only who use
far less. What became of both sides of the cut is measured on a past instant.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from touchloop.core.proportions import Share, difference, share
from touchloop.insight.models.api import Feature, Kind, Run, Scored, Trained, deciles
from touchloop.insight.scores.churn import contract, shopping
from touchloop.insight.scores.usage import reading
from touchloop.insight.scores.usage.peering import Compared, compare, traits_of
from touchloop.insight.scores.usage.reading import Use

NAME = "usage_gap"
CATEGORIES = ("bought",)
OPTIONAL = ("told_us",)  # traits: of those only who allow it, the others have other peers
MOST = 20


def train(run: Run) -> Trained | None:
    """Choose the services that most have; count who left on both sides of the cut in the past."""
    run.progress("reading the use of services", 0.1)
    allowed, refused = reading.traits_allowed(run.conn, (*CATEGORIES, *OPTIONAL))
    use = reading.as_of(run, run.now, traits=tuple(allowed))
    services = _services(use)
    if not services:
        return None
    run.progress("looking what became of those who used little", 0.5)
    at = run.now - timedelta(days=shopping.MOST_DAYS)
    past, gone = reading.as_of(run, at, traits=tuple(allowed)), _gone(run, at)
    evidence = [_evidence(past, gone, service, act) for service, act in services]
    words = [one["words"] for one in evidence if one["words"]]
    if not gone:
        words.append("history is too short to see whether those who use little leave more often")
    traits = traits_of(use)
    return Trained(
        parameters={"services": [list(pair) for pair in services], "traits": list(traits)},
        metrics=(),
        features=(
            Feature("quantity by category", "Order Completed", "bought"),
            Feature("events of use", "events of use", "bought"),
            *(Feature(name, f"trait {name}", allowed[name]) for name in traits),
            *(Feature(name, f"trait {name}", "told_us", why) for name, why in refused.items()),
        ),
        n=len(np.unique(use.customers)),
        since=run.now - timedelta(days=reading.HAD_DAYS),
        until=run.now,
        words=tuple(words),
        curves={"services": evidence},
        drift={
            f"{act} {service}": deciles(use.monthly[(use.services == service) & (use.acts == act)])
            for service, act in services
        },
    )


def score(run: Run, trained: Trained) -> Iterator[Scored]:
    """For each service a score of those who use far less of it than people like them."""
    run.progress("comparing with peers", 0.8)
    allowed, _refused = reading.traits_allowed(run.conn, (*CATEGORIES, *OPTIONAL))
    use = reading.as_of(run, run.now, traits=tuple(allowed))
    taken: set[str] = set()
    for service, act in trained.parameters["services"]:
        if service in taken:  # bought and used under one name: the more frequent one counts
            continue
        taken.add(service)
        yield Scored(f"{NAME}:{service}", _rows(use, compare(use, service, act), service, act))


def sentence(service: str, act: str, use: float, quartile: float, n: int, peers: str) -> str:
    """The reason in words."""
    verb, verbs = ("buys", "buy") if act == "bought" else ("uses", "use")
    who = "households" if "household" in peers else "customers"
    what = service.lower() if service.isupper() else service
    like = f" ({peers})" if peers else ""
    return (
        f"{verb} {_amount(use)} of {what} a month; 75% of {n:,} {who} like this one{like}"
        f" {verbs} more than {_amount(quartile)}"
    )


def _services(use: Use) -> list[tuple[str, str]]:
    pairs, counts = np.unique(
        np.stack([use.services, use.acts], axis=1), axis=0, return_counts=True
    )
    order = sorted(range(len(pairs)), key=lambda i: (-counts[i], *pairs[i]))
    found = [(str(pairs[i][0]), str(pairs[i][1])) for i in order]
    return [pair for pair in found if np.any(compare(use, *pair).quartile >= 1.0)][:MOST]


def _rows(use: Use, found: Compared, service: str, act: str) -> pa.Table:
    gaps = np.flatnonzero(found.gap)
    said = []
    for i in gaps:
        monthly, quartile = float(use.monthly[found.rows[i]]), float(found.quartile[i])
        who = found.words[found.peers[i]]
        said.append(
            json.dumps(
                {
                    "reasons": [sentence(service, act, monthly, quartile, int(found.n[i]), who)],
                    "monthly": round(monthly, 2),
                    "quartile": round(quartile, 2),
                    "median": round(float(found.median[i]), 2),
                    "n": int(found.n[i]),
                    "peers": who or "everybody",
                }
            )
        )
    return pa.table(
        {
            "customer_id": use.customers[found.rows[gaps]],
            "value": found.above[gaps],
            "inputs": pa.array(said, pa.string()),
        }
    )


def _gone(run: Run, at: datetime) -> dict[int, bool]:
    """Who left within the window after the past instant, where that can be told."""
    found: dict[int, bool] = {}
    for part in (shopping, contract):
        cut = part.as_of(run, at)
        found.update(zip(cut.customers.tolist(), cut.gone.tolist(), strict=True))
    return found


def _evidence(use: Use, gone: dict[int, bool], service: str, act: str) -> dict[str, Any]:
    """Who left on both sides of the cut, with intervals."""
    found = compare(use, service, act)
    known = np.array([gone.get(id, -1) for id in use.customers[found.rows].tolist()], np.int64)
    one, other = (
        share(int((known[side] == 1).sum()), int((known[side] >= 0).sum()))
        for side in (found.gap, ~found.gap)
    )
    gain, low, high = difference(one, other)
    surely = bool(one.n and other.n and low > 0)
    return {
        "service": service,
        "act": act,
        "n": len(found.rows),
        "quartile": round(float(np.median(found.quartile)), 2) if len(found.rows) else 0.0,
        "below": _of(one),
        "above": _of(other),
        "difference": [gain, low, high],
        "words": (
            f"{service}: of those who use far less than their peers {one.value:.1%} left"
            f" (n {one.n:,}), of the others {other.value:.1%} (n {other.n:,})"
            if surely
            else ""
        ),
    }


def _of(found: Share) -> dict[str, float]:
    return {"x": found.x, "n": found.n, "value": found.value, "low": found.low, "high": found.high}


def _amount(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:,.1f}"


KIND = Kind(
    name=NAME,
    label="Usage gap",
    sentence="Who uses far less of a service than people like them.",
    purpose="profile",
    every_hours=24.0,
    train=train,
    score=score,
    categories=CATEGORIES,
    optional=OPTIONAL,
)
