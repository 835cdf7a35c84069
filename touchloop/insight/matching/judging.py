"""How right the scores are, by what people said of pairs; and what may be merged by itself.

Automatic is only what a person switched on, and only above a score whose precision on the labelled
pairs is at least the one that was asked for, by the lower limit of Wilson's interval. The pairs
that are put before people are spread over the scores, so that doubtful ones are over-represented
among the labels: the precision above a score is rather under- than overestimated.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from touchloop.core.db import Connection
from touchloop.core.errors import Invalid, NotFound
from touchloop.core.proportions import Share, share
from touchloop.identity import api as identity
from touchloop.insight.matching.clustering import NEVER
from touchloop.insight.matching.matching import probability_of
from touchloop.insight.matching.proposing import Evidence, told

ANSWERS: Final = ("same", "different", "unsure")
PRECISION: Final = 0.98  # asked for unless somebody changes it
GRID: Final = tuple(range(-4, 31, 1))  # bits at which the curve is measured
MERGED_AT_ONCE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Policy:
    """Whether merges may happen by themselves, and how precise they must have been shown to be."""

    automatic: bool
    precision: float
    at: datetime | None
    by: int | None
    version_id: int | None = None  # the version that runs use; None: each learns its own


@dataclass(frozen=True, slots=True)
class Point:
    """At this score: the precision above it and the share of all labelled matches found."""

    bits: float
    probability: float
    precision: Share
    recall: Share


@dataclass(frozen=True, slots=True)
class PairInfo:
    """A pair to look at."""

    id: int
    a_id: int
    b_id: int
    bits: float
    forbidden: bool
    evidence: tuple[Evidence, ...]

    @property
    def probability(self) -> float:
        """That they are one, by the model."""
        return probability_of(self.bits)


def unlabelled(conn: Connection, *, after: int = 0, limit: int = 1) -> list[PairInfo]:
    """Pairs that nobody labelled yet, where a label says most: around the threshold first.

    `after` is the pair that was shown last: what comes behind it, and then from the start.
    """
    rows = conn.execute(_NEXT, {"after": after, "limit": limit}).fetchall()
    return [
        PairInfo(id, a, b, bits, forbidden, told(evidence))
        for id, a, b, bits, forbidden, evidence in rows
    ]


def label(conn: Connection, pair: int, *, answer: str, by: int, now: datetime) -> None:
    """Keep what a person said of a pair; said again, it replaces what was said."""
    if answer not in ANSWERS:
        raise Invalid("answer", f"is one of {', '.join(ANSWERS)}")
    # A pair that a guard keeps apart is not suggested, whatever its bits: so it counts as scored.
    given = {"pair": pair, "answer": answer, "by": by, "now": now, "never": NEVER}
    made = conn.execute(_LABEL, given)
    if not made.rowcount:
        raise NotFound("this pair is not looked at any more")


def labelled(conn: Connection) -> dict[str, int]:
    """How many pairs were said to be what."""
    rows = conn.execute("SELECT answer, count(*) FROM matching_labels GROUP BY 1").fetchall()
    return {answer: 0 for answer in ANSWERS} | {answer: int(n) for answer, n in rows}


def curve(conn: Connection) -> tuple[Point, ...]:
    """Precision and recall by score, from the labels; empty without any that are sure."""
    rows = conn.execute(
        "SELECT bits, answer = 'same' FROM matching_labels WHERE answer <> 'unsure'"
    ).fetchall()
    same = sum(1 for _, right in rows if right)
    if not rows:
        return ()
    points = []
    for bits in GRID:
        above = [right for score, right in rows if score >= bits]
        hits = sum(above)
        points.append(Point(bits, probability_of(bits), share(hits, len(above)), share(hits, same)))
    return tuple(points)


def sure_from(conn: Connection) -> float | None:
    """The lowest score above which the asked precision was measured; None: nowhere yet."""
    asked = policy(conn).precision
    reached = None
    for point in reversed(curve(conn)):
        if point.precision.n and point.precision.low >= asked:
            reached = point.bits
        elif point.precision.n and reached is not None:
            break
    return reached


def policy(conn: Connection) -> Policy:
    """What holds now."""
    row = conn.execute(
        "SELECT automatic, precision, at, changed_by, version_id FROM matching_policy"
        " ORDER BY id DESC LIMIT 1"
    ).fetchone()
    return Policy(*row) if row else Policy(False, PRECISION, None, None)


def change_policy(
    conn: Connection, *, automatic: bool, precision: float, by: int, now: datetime
) -> None:
    """Let matching merge by itself, or not, from a precision between 0.9 and 0.9999."""
    if not 0.9 <= precision <= 0.9999:
        raise Invalid("precision", "lies between 90 % and 99.99 %")
    conn.execute(
        "INSERT INTO matching_policy (at, automatic, precision, changed_by, version_id)"
        " VALUES (%s, %s, %s, %s, %s)",
        (now, automatic, precision, by, policy(conn).version_id),
    )


def merge_sure(conn: Connection, *, now: datetime) -> int:
    """Merge what is sure enough, each as an operation that can be undone; gives how many."""
    bar = sure_from(conn) if policy(conn).automatic else None
    if bar is None:
        return 0
    return identity.accept_alike(
        conn, at_least=probability_of(bar), limit=MERGED_AT_ONCE,
        reason=f"matching: {bar:g} bits or more, where labels show the precision asked for",
    )  # fmt: skip


_NEXT = """
WITH ranked AS (
  SELECT p.*, row_number() OVER (ORDER BY floor(abs(p.bits - 4) / 4), hashint8(p.id), p.id) AS place
    FROM matching_pairs p
), last AS (SELECT coalesce(max(place), 0) AS place FROM ranked WHERE id = %(after)s)
SELECT p.id, p.a_id, p.b_id, p.bits, p.forbidden, p.evidence FROM ranked p, last
 WHERE NOT EXISTS (SELECT FROM matching_labels l WHERE l.a_id = p.a_id AND l.b_id = p.b_id)
   AND EXISTS (SELECT FROM customers c WHERE c.id = p.a_id)
   AND EXISTS (SELECT FROM customers c WHERE c.id = p.b_id)
 ORDER BY p.place <= last.place, p.place LIMIT %(limit)s"""
_LABEL = """
INSERT INTO matching_labels (a_id, b_id, answer, bits, said_by, at)
SELECT a_id, b_id, %(answer)s, CASE WHEN forbidden THEN least(bits, %(never)s) ELSE bits END,
  %(by)s, %(now)s
FROM matching_pairs WHERE id = %(pair)s
ON CONFLICT (a_id, b_id) DO UPDATE SET answer = excluded.answer, said_by = excluded.said_by,
  at = excluded.at, bits = excluded.bits"""
