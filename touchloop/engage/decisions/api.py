"""What other rooms may use of decisions."""

from touchloop.engage.decisions.asking import STAGES, Chosen, Decision, Held, Request
from touchloop.engage.decisions.deciding import (
    Anatomy,
    anatomy,
    check,
    decide,
    decide_all,
    forget,
    replay,
    simulate,
)
from touchloop.engage.decisions.evaluation import Estimate, Evaluation, evaluate
from touchloop.engage.decisions.facts import INBOUND, Facts
from touchloop.engage.decisions.learning import learn
from touchloop.engage.decisions.outcomes import EVENTS, WORDS, concerns, on_batch, tell_outcome
from touchloop.engage.decisions.policy import (
    ContextWeight,
    Policy,
    Settings,
    change_policy,
    policy,
)
from touchloop.engage.decisions.reading import (
    Learned,
    Listed,
    Proposed,
    listing,
    models,
    reports,
)
from touchloop.engage.decisions.uplift import Difference, Report, newcombe, report

__all__ = [
    "Anatomy", "Chosen", "ContextWeight", "Decision", "Difference", "EVENTS", "Estimate",
    "Evaluation", "Facts", "Held", "INBOUND", "Learned", "Listed", "Policy", "Proposed", "Report",
    "Request", "STAGES", "Settings", "WORDS", "anatomy", "change_policy", "check", "decide",
    "concerns", "decide_all", "evaluate", "forget", "learn", "listing", "models", "newcombe",
    "on_batch", "policy", "replay", "report", "reports", "simulate", "tell_outcome",
]  # fmt: skip
