"""What other rooms may call."""

from __future__ import annotations

from touchloop.insight.scores.keeping import Score, of_customer, write
from touchloop.insight.scores.peers import NAME as SPEND_PERCENTILE
from touchloop.insight.scores.peers import compute as compute_spend_percentile

__all__ = ["SPEND_PERCENTILE", "Score", "compute_spend_percentile", "of_customer", "write"]
