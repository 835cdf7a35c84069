"""What was made up: no model learns from it, unless its kind says that it does.

Simulated answers are told as `source: simulation`, simulated purchases as `simulated: true`, in the
properties of the interaction itself.
"""

from __future__ import annotations

from touchloop.lake.api import Analysis, Engine

SIMULATED = Analysis(
    "simulated",
    (),
    """SELECT interaction_id FROM interactions
WHERE properties LIKE '%simulat%'
  AND (JSON_EXTRACT_STRING(properties, '$."source"') = 'simulation'
    OR JSON_EXTRACT_STRING(properties, '$."simulated"') = 'true')
ORDER BY interaction_id""",
)
ANALYSES: tuple[tuple[Analysis, dict[str, object]], ...] = ((SIMULATED, {}),)


def leave_out(engine: Engine) -> int:
    """Take simulated interactions out of the relations of a run; gives how many there are."""
    found = engine.query(SIMULATED.sql())
    if found.num_rows:
        engine.leave_out(found)
    return int(found.num_rows)


def count(engine: Engine) -> int:
    """How many simulated interactions a run sees."""
    return int(engine.query(SIMULATED.sql()).num_rows)
