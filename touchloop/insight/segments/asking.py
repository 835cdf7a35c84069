"""A rule asked of some customers now, without a segment of its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from touchloop.core.db import Connection
from touchloop.insight.segments import grammar as g
from touchloop.insight.segments import history
from touchloop.insight.segments.live import evaluate
from touchloop.insight.segments.needs import needs
from touchloop.insight.segments.parsing import parse


def satisfying(
    conn: Connection, rule: Any, customers: Sequence[int], now: datetime
) -> frozenset[int]:
    """Those of the customers for whom the rule (JSON) holds now, decided from all their history.

    Raises Invalid when the rule is none. Nobody's choices are asked: that is the caller's to do.
    """
    if not customers:
        return frozenset()
    asked = g.RuleSet(((0, parse(rule)),))
    relations = history.of_customers(conn, needs(asked), sorted(set(customers)), now)
    return frozenset(evaluate(asked, relations, customers, now).members[0].tolist())
