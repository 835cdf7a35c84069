"""The analyses of churn, usage and intent with values to try them: every engine answers alike."""

from __future__ import annotations

from datetime import UTC, datetime

from touchloop.insight.scores.churn import contract, shopping
from touchloop.insight.scores.churn.cut import plain
from touchloop.insight.scores.intent import visits
from touchloop.insight.scores.usage import reading
from touchloop.lake.api import Analysis
from touchloop.profiles.api import ORDER

_NOW = datetime(2026, 3, 1, tzinfo=UTC)
_VISITS: dict[str, object] = {
    "order": ORDER, "since": datetime(2025, 12, 1), "now": plain(_NOW),
}  # fmt: skip

ANALYSES: tuple[tuple[Analysis, dict[str, object]], ...] = (
    (shopping.FIRST, {"name": ORDER, "now": plain(_NOW)}),
    (shopping.ANALYSIS, shopping.values(_NOW)),
    (contract.FIRST, {"now": plain(_NOW)}),
    (contract.ANALYSIS, contract.values(_NOW)),
    (reading.ANALYSIS, reading.values(_NOW)),
    (visits.COUNT, _VISITS),
    (visits.ANALYSIS, {**_VISITS, "every": 1}),
)
