"""The rules for everybody, over the lake: new segments, previews, comparisons."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from touchloop.core import clock
from touchloop.core.db import Connection
from touchloop.insight.segments import grammar as g
from touchloop.insight.segments import history, keeping, membership
from touchloop.insight.segments.compile import compile_rules
from touchloop.insight.segments.live_rules import gated
from touchloop.insight.segments.membership import MembershipChange
from touchloop.insight.segments.parsing import parse
from touchloop.lake import api as lake

SAMPLE = 12


@dataclass(frozen=True, slots=True)
class Filled:
    """What filling changed, and when customers must be looked at again by themselves."""

    changes: list[MembershipChange]
    due: dict[int, datetime]
    members: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Preview:
    """How many customers a rule would hold now, among all, and some of them."""

    count: int
    total: int
    sample: tuple[int, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changing a rule would do."""

    before: int
    after: int
    entering: int
    leaving: int
    total: int
    seconds: float


def fill(conn: Connection, segment_id: int, now: datetime) -> Filled:
    """Decide a segment for everybody, over the lake, and write its membership in one go.

    In the caller's transaction. The lake may be some seconds behind the log: the caller looks again
    at the customers whose interactions were not in it yet.
    """
    start = time.perf_counter()
    segment = keeping.get(segment_id, conn=conn, lock=True)
    rule = gated(parse(segment.rule), segment.purpose)
    compiled = compile_rules(g.RuleSet(((segment_id, rule),)), due=True)
    with engine(conn) as opened:
        found = opened.query(
            compiled.sql(now, select=f"SELECT customer_id, s{segment_id} AS inside, due"
                                     f" FROM answer WHERE s{segment_id} OR due IS NOT NULL")
        )  # fmt: skip
    members = found.filter(found.column("inside")).column("customer_id").to_numpy()
    changes = membership.replace(conn, segment_id, members, now)
    return Filled(changes, _due(found), len(members), time.perf_counter() - start)


def preview(conn: Connection, rule: Any, now: datetime, *, purpose: str | None = None) -> Preview:
    """What a rule (as JSON) would hold now; Invalid when it is not one."""
    start = time.perf_counter()
    parsed = parse(rule)
    compiled = compile_rules(g.RuleSet(((0, gated(parsed, purpose) if purpose else parsed),)))
    with engine(conn) as opened:
        count, total, sample = opened.rows(
            compiled.sql(now, select="SELECT COUNT(*) FILTER (WHERE s0), COUNT(*),"
                                     f" MIN(customer_id, {SAMPLE}) FILTER (WHERE s0) FROM answer")
        )[0]  # fmt: skip
    return Preview(count, total, tuple(sample or ()), time.perf_counter() - start)


def compare(
    conn: Connection, old: Any, new: Any, now: datetime, *, purpose: str | None = None
) -> Comparison:
    """Both rules (as JSON) for everybody, in one statement."""
    start = time.perf_counter()
    rules = [gated(parse(x), purpose) if purpose else parse(x) for x in (old, new)]
    compiled = compile_rules(g.RuleSet(tuple(enumerate(rules))))
    select = (
        "SELECT COUNT(*) FILTER (WHERE s0), COUNT(*) FILTER (WHERE s1),"
        " COUNT(*) FILTER (WHERE s1 AND NOT s0), COUNT(*) FILTER (WHERE s0 AND NOT s1), COUNT(*)"
        " FROM answer"
    )
    with engine(conn) as opened:
        before, after, entering, leaving, total = opened.rows(compiled.sql(now, select=select))[0]
    return Comparison(before, after, entering, leaving, total, time.perf_counter() - start)


def engine(conn: Connection) -> lake.Engine:
    """The lake with everything that rules read beside it, as of now."""
    return lake.engine(**history.of_everyone(conn))


def _due(found: pa.Table) -> dict[int, datetime]:
    known = found.filter(found.column("due").is_valid())
    pairs = zip(
        known.column("customer_id").to_pylist(), known.column("due").to_pylist(), strict=True
    )
    return {customer: clock.from_micros(at) for customer, at in pairs}
