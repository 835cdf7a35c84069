"""The kinds of signals: what each weighs, whether it opens a case, and its limits, as data.

Clicks by experience.md §3, "Frustration signals": rage is three clicks within 30 px and 1,000 ms; a
button or link that does nothing is slow from 3 s and dead from 7 s.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from touchloop.core.db import Connection
from touchloop.core.errors import Invalid

RAGE, DEAD, SLOW, ERROR = "rage_click", "dead_click", "slow_click", "error_click"
RETURN, COMPLAINT, MAIL_COMPLAINT = "return", "complaint", "mail_complaint"
UNSUBSCRIBED, BOUNCED = "unsubscribed", "bounced"
BASKET, VISITS = "basket_shrinking", "visits_apart"
CLICKS: Final = (RAGE, DEAD, SLOW, ERROR)


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of signal. `weight` is its strength, or the factor of a computed one."""

    kind: str
    weight: float
    live: bool = True
    opens_case: bool = False
    limits: Mapping[str, float] = field(default_factory=dict)


DEFAULTS: Final[Mapping[str, Rule]] = {
    rule.kind: rule
    for rule in (
        Rule(RAGE, 3.0, limits={"clicks": 3, "pixels": 30, "ms": 1_000}),
        Rule(DEAD, 2.0, limits={"ms": 7_000}),
        Rule(SLOW, 1.0, limits={"ms": 3_000}),
        Rule(ERROR, 2.0),
        Rule(RETURN, 2.0),
        Rule(COMPLAINT, 5.0, opens_case=True),
        Rule(MAIL_COMPLAINT, 3.0, opens_case=True),
        Rule(UNSUBSCRIBED, 2.0),
        Rule(BOUNCED, 0.5),
        Rule(BASKET, 1.0, limits={"recent": 5, "earlier": 8, "ratio": 0.6, "z": 2, "days": 90}),
        Rule(VISITS, 1.0, limits={"recent": 3, "earlier": 6, "ratio": 2, "silence": 3, "days": 90}),
    )
}


def rules(conn: Connection) -> dict[str, Rule]:
    """All kinds with what somebody changed about them."""
    found = dict(DEFAULTS)
    for kind, live, weight, opens_case, limits in conn.execute(
        "SELECT kind, live, weight, opens_case, limits FROM signal_rules"
    ).fetchall():
        if kind in found:
            known = {**found[kind].limits, **limits}
            found[kind] = Rule(kind, weight, live, opens_case, known)
    return found


def change_rule(
    conn: Connection,
    kind: str,
    *,
    live: bool | None = None,
    weight: float | None = None,
    opens_case: bool | None = None,
    limits: Mapping[str, float] | None = None,
) -> Rule:
    """Change a rule; what is None stays. Raises Invalid for what cannot be."""
    old = rules(conn).get(kind)
    if old is None:
        raise Invalid("kind", f"must be one of {', '.join(DEFAULTS)}")
    if limits is not None and (
        not set(limits) <= set(old.limits) or any(not value >= 0 for value in limits.values())
    ):
        raise Invalid("limits", f"may set {', '.join(old.limits) or 'nothing'}, to 0 or more")
    if weight is not None and not 0 <= weight <= 100:
        raise Invalid("weight", "must be from 0 to 100")
    new = replace(
        old,
        live=old.live if live is None else live,
        weight=old.weight if weight is None else weight,
        opens_case=old.opens_case if opens_case is None else opens_case,
        limits={**old.limits, **(limits or {})},
    )
    conn.execute(
        "INSERT INTO signal_rules (kind, live, weight, opens_case, limits)"
        " VALUES (%s, %s, %s, %s, %s::jsonb) ON CONFLICT (kind) DO UPDATE SET"
        " live = excluded.live, weight = excluded.weight, opens_case = excluded.opens_case,"
        " limits = excluded.limits",
        (kind, new.live, new.weight, new.opens_case, json.dumps(dict(new.limits))),
    )
    return new
