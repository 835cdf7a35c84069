"""What other rooms may call."""

from __future__ import annotations

from touchloop.insight.models.api import Kind
from touchloop.insight.scores.churn.from_file import fit_file as fit_churn_file
from touchloop.insight.scores.churn.kind import KIND as CHURN
from touchloop.insight.scores.intent.kind import KIND as INTENT
from touchloop.insight.scores.intent.live import concerns as intent_concerns
from touchloop.insight.scores.intent.live import expire as expire_intents
from touchloop.insight.scores.intent.live import on_batch as intent_on_batch
from touchloop.insight.scores.intent.watching import LiveVisit, count_now, visits_now
from touchloop.insight.scores.keeping import Score, of_customer, write
from touchloop.insight.scores.lifetime.asking import fit_clv, fit_contracts
from touchloop.insight.scores.lifetime.contract_steps import ANALYSES as CONTRACT_ANALYSES
from touchloop.insight.scores.lifetime.kind import KINDS as LIFETIME_KINDS
from touchloop.insight.scores.lifetime.steps import ANALYSES as LIFETIME_ANALYSES
from touchloop.insight.scores.peers import NAME as SPEND_PERCENTILE
from touchloop.insight.scores.peers import compute as compute_spend_percentile
from touchloop.insight.scores.ranking import Ranked, ranked
from touchloop.insight.scores.risk_analyses import ANALYSES as RISK_ANALYSES
from touchloop.insight.scores.spread import Bin, families, histogram
from touchloop.insight.scores.usage.kind import KIND as USAGE_GAP
from touchloop.lake.api import Analysis

# Each part of the room adds its own.
KINDS: tuple[Kind, ...] = (*LIFETIME_KINDS, CHURN, USAGE_GAP, INTENT)
ANALYSES: tuple[tuple[Analysis, dict[str, object]], ...] = (
    *LIFETIME_ANALYSES,
    *CONTRACT_ANALYSES,
    *RISK_ANALYSES,
)

__all__ = [
    "ANALYSES",
    "Bin",
    "CHURN",
    "INTENT",
    "KINDS",
    "LiveVisit",
    "Ranked",
    "SPEND_PERCENTILE",
    "Score",
    "USAGE_GAP",
    "compute_spend_percentile",
    "count_now",
    "expire_intents",
    "families",
    "fit_churn_file",
    "fit_clv",
    "fit_contracts",
    "histogram",
    "intent_concerns",
    "intent_on_batch",
    "of_customer",
    "ranked",
    "visits_now",
    "write",
]
