"""What came of offers: shown, taken, refused, "maybe later"; and goals reached on either side.

They arrive as interactions, whoever saw them: a till, an app, a link in a message, our own door.
Each counts once: of a decision, by offer and word; without one, by the interaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.utils.translation import gettext as _

from touchloop.core import arrays
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid, NotFound
from touchloop.engage.decisions.memory import LATER, REFUSED, SHOWN, TAKEN
from touchloop.interactions.api import Happened, News, tell

WORDS: Final = {"shown": SHOWN, "accepted": TAKEN, "rejected": REFUSED, "deferred": LATER}
EVENTS: Final = {
    "Offer Shown": SHOWN,
    "Offer Accepted": TAKEN,
    "Offer Rejected": REFUSED,
    "Offer Deferred": LATER,
}
_EVENT_OF: Final = {
    word: event for word, code in WORDS.items() for event, other in EVENTS.items() if code == other
}


def concerns(conn: Connection) -> frozenset[str]:
    """The names of the interactions that `on_batch` wants to see."""
    return frozenset(EVENTS) | _goals(conn)


def on_batch(conn: Connection, happened: Sequence[Happened], now: datetime) -> int:
    """Remember the outcomes and goals of a micro-batch, in its transaction; how many were new."""
    said = [(each, offer) for each in happened if each.name in EVENTS and each.type == "track"
            if (offer := _offer(each.properties))]  # fmt: skip
    stored = _remember(conn, said) if said else 0
    return stored + _reach(conn, happened)


def tell_outcome(
    conn: Connection,
    decision_id: UUID,
    *,
    offer: str,
    outcome: str,
    at: datetime,
    outcome_id: str = "",
) -> bool:
    """Say what became of an offer of a decision; the same again is told once.

    `outcome` is shown, accepted, rejected or deferred. In the caller's transaction; the news counts
    when the workers have taken it. NotFound when no such decision proposed this offer.
    """
    if outcome not in WORDS:
        raise Invalid("outcome", _("one of %s is expected") % ", ".join(WORDS))
    row = conn.execute(_PROPOSED, {"id": decision_id, "offer": offer}).fetchone()
    if row is None:
        raise NotFound(_("There is no decision of this number."))
    subject_id, channel, location, offer_id = row
    if offer_id is None:
        raise Invalid("offer", _("this decision did not propose “%s”") % offer)
    cause = f"decision:{decision_id}:{offer_id}:{outcome}"
    news = News(
        _EVENT_OF[outcome],
        subject_id,
        cause,
        at,
        {"decision_id": str(decision_id), "offer": offer, "outcome_id": outcome_id or cause},
        channel,
        location,
    )
    return tell(conn, [news]) > 0


def _remember(conn: Connection, said: Sequence[tuple[Happened, str]]) -> int:
    rows = conn.execute(
        _REMEMBER,
        {
            "ids": arrays.numbers(each.interaction_id for each, _offer in said),
            "subjects": arrays.numbers(each.subject_id for each, _offer in said),
            "customers": arrays.numbers(each.customer_id for each, _offer in said),
            "offers": arrays.texts(offer for _each, offer in said),
            "decisions": arrays.uuids(_decision(each.properties) for each, _offer in said),
            "outcomes": arrays.numbers(EVENTS[each.name] for each, _offer in said),
            "ats": arrays.instants(each.occurred_at for each, _offer in said),
            "channels": arrays.texts(each.channel for each, _offer in said),
        },
    )
    return rows.rowcount


def _reach(conn: Connection, happened: Sequence[Happened]) -> int:
    """Goals of people who stand on a side of a holdout. Asked only when there are any."""
    goals = _goals(conn)
    met = [each for each in happened if each.name in goals]
    if not met:
        return 0
    rows = conn.execute(
        _REACH,
        {
            "customers": arrays.numbers(each.customer_id for each in met),
            "names": arrays.texts(each.name for each in met),
            "ats": arrays.instants(each.occurred_at for each in met),
        },
    )
    return rows.rowcount


def _goals(conn: Connection) -> frozenset[str]:
    return frozenset(row[0] for row in conn.execute(_GOALS).fetchall())


def _offer(properties: dict[str, Any]) -> str:
    """The short name or the number of the offer, as a text."""
    given = properties.get("offer")
    return str(given)[:100] if isinstance(given, str | int) and not isinstance(given, bool) else ""


def _decision(properties: dict[str, Any]) -> UUID | None:
    try:
        return UUID(str(properties.get("decision_id")))
    except ValueError:
        return None


_PROPOSED = """
SELECT d.subject_id, d.channel, d.location, o.id
FROM decisions d LEFT JOIN offers o ON o.slug = %(offer)s AND o.id = ANY(d.chosen)
WHERE d.id = %(id)s
"""
# A decision counts only for its own customer and for what it proposed: anybody may send anything.
_REMEMBER = """
INSERT INTO offer_outcomes (subject_id, offer_id, decision_id, outcome, at, channel, cause)
SELECT s.subject, o.id, d.id, s.outcome, s.at, s.channel,
       coalesce(d.id::text || ':' || o.id || ':' || s.outcome, 'i:' || s.id)
FROM unnest(%(ids)s::bigint[], %(subjects)s::bigint[], %(customers)s::bigint[], %(offers)s::text[],
            %(decisions)s::uuid[], %(outcomes)s::smallint[], %(ats)s::timestamptz[],
            %(channels)s::text[])
     WITH ORDINALITY s(id, subject, customer, offer, decision, outcome, at, channel, n)
JOIN offers o ON o.slug = s.offer OR o.id::text = s.offer
LEFT JOIN LATERAL (
  SELECT x.id FROM decisions x JOIN identifiers i ON i.id = x.subject_id
  WHERE x.id = s.decision AND i.customer_id = s.customer AND o.id = ANY(x.chosen)
) d ON true
ORDER BY s.n
ON CONFLICT (cause) DO NOTHING
"""
# DISTINCT by steps along the index: there are few goals and many exposures.
_GOALS = """
WITH RECURSIVE g(goal) AS (
  (SELECT goal FROM offer_exposures ORDER BY goal LIMIT 1)
  UNION ALL
  SELECT (SELECT x.goal FROM offer_exposures x WHERE x.goal > g.goal ORDER BY x.goal LIMIT 1)
  FROM g WHERE g.goal IS NOT NULL
)
SELECT goal FROM g WHERE goal IS NOT NULL
"""
_REACH = """
UPDATE offer_exposures e SET reached_at = g.at
FROM (
  SELECT e.subject_id, e.offer_id, min(h.at) AS at
  FROM unnest(%(customers)s::bigint[], %(names)s::text[], %(ats)s::timestamptz[])
       h(customer, name, at)
  JOIN identifiers i ON i.customer_id = h.customer
  JOIN offer_exposures e ON e.subject_id = i.id AND e.goal = h.name
   AND e.reached_at IS NULL AND h.at > e.at AND h.at <= e.until
  GROUP BY 1, 2
) g
WHERE e.subject_id = g.subject_id AND e.offer_id = g.offer_id
"""
