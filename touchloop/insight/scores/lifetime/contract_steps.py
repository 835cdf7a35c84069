"""The questions to the lake about contracts: which there are, since when, how often renewed."""

from __future__ import annotations

from datetime import datetime

from touchloop.insight.scores.churn.contract import EVENTS
from touchloop.lake.api import Analysis, Step

_WORD = "JSON_EXTRACT_STRING(i.properties, '$.\"%s\"')"
_WHICH = ", ".join(_WORD % name for name in ("contract_id", "subscription_id", "policy_id"))

# A contract ends with the first end after which nothing is told of it, and may begin again.
SPELLS = Analysis(
    "contract_spells",
    (
        EVENTS,
        Step(
            "acts",
            f"""SELECT i.customer_id, COALESCE({_WHICH}, '') AS contract, e.act,
    EPOCH_US(i.occurred_at) AS t, i.interaction_id AS id,
    CASE WHEN e.act <> 'end' THEN i.value END AS price,
    CASE WHEN e.act <> 'end' THEN {_WORD % "term"} END AS term
  FROM interactions AS i JOIN contract_events AS e ON e.name = i.name
  JOIN people AS p ON p.customer_id = i.customer_id WHERE i.occurred_at <= {{at}}""",
        ),
        Step(
            "spelled",
            """SELECT customer_id, contract, act, t, id, price, term,
    COALESCE(SUM(CASE WHEN act = 'end' THEN 1 ELSE 0 END) OVER (
      PARTITION BY customer_id, contract ORDER BY t, id
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS spell
  FROM acts""",
        ),
        Step(
            "paid",
            """SELECT customer_id, contract, spell, price, ROW_NUMBER() OVER (
      PARTITION BY customer_id, contract, spell ORDER BY t DESC, id DESC) AS place
  FROM spelled WHERE price IS NOT NULL""",
        ),
        Step(
            "spells",
            """SELECT customer_id, contract, spell,
    MIN(CASE WHEN act <> 'end' THEN t END) AS first_t,
    MIN(CASE WHEN act = 'start' THEN t END) AS start_t,
    MAX(CASE WHEN act <> 'end' THEN t END) AS last_t,
    SUM(CASE WHEN act = 'renewal' THEN 1 ELSE 0 END) AS renewals,
    MIN(CASE WHEN act = 'end' THEN t END) AS end_t, MAX(term) AS term
  FROM spelled GROUP BY customer_id, contract, spell""",
        ),
    ),
    """SELECT s.customer_id, s.contract, CAST(s.spell AS BIGINT) AS spell, s.first_t, s.start_t,
  s.last_t, CAST(s.renewals AS BIGINT) AS renewals, s.end_t, s.term, p.price
FROM spells AS s LEFT JOIN paid AS p ON p.customer_id = s.customer_id
  AND p.contract = s.contract AND p.spell = s.spell AND p.place = 1
WHERE s.first_t IS NOT NULL ORDER BY s.customer_id, s.contract, s.spell""",
)

NAMES = Analysis(
    "contract_names",
    (EVENTS,),
    """SELECT DISTINCT i.name FROM interactions AS i JOIN contract_events AS e ON e.name = i.name
  JOIN people AS p ON p.customer_id = i.customer_id ORDER BY i.name""",
)

ANALYSES: tuple[tuple[Analysis, dict[str, object]], ...] = (
    (SPELLS, {"at": datetime(2026, 3, 1)}),
    (NAMES, {}),
)
