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
    Kept,
    Policy,
    Settings,
    change_policy,
    policies,
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
from touchloop.engage.decisions.trials import settled as settled_trials
from touchloop.engage.decisions.trying import Example, Placed, Trial, plain, try_policy
from touchloop.engage.decisions.uplift import Difference, Report, newcombe, report

__all__ = [
    "Anatomy", "Chosen", "ContextWeight", "Decision", "Difference", "EVENTS", "Estimate",
    "Evaluation", "Example", "Facts", "Held", "INBOUND", "Kept", "Learned", "Listed", "Placed",
    "Policy", "Proposed", "Report", "Request", "STAGES", "Settings", "Trial", "WORDS", "anatomy",
    "change_policy", "check", "concerns", "decide", "decide_all", "evaluate", "forget", "learn",
    "listing", "models", "newcombe", "on_batch", "plain", "policies", "policy", "replay", "report",
    "reports", "settled_trials", "simulate", "tell_outcome", "try_policy",
]  # fmt: skip
