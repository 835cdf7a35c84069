"""What other rooms may use of the campaigns."""

from touchloop.engage.campaigns.audience import arm_of
from touchloop.engage.campaigns.braking import Complaints, brake, complaints
from touchloop.engage.campaigns.keeping import (
    Campaign,
    abort,
    change,
    create,
    finish,
    get,
    listing,
    pause,
    resume,
    running,
    start,
)
from touchloop.engage.campaigns.past import Past, past
from touchloop.engage.campaigns.plan import Goal, Plan, Variant, Window, parse, to_json
from touchloop.engage.campaigns.reporting import Arm, Report, report
from touchloop.engage.campaigns.sending import send
from touchloop.engage.campaigns.trials import Tried, experiments
from touchloop.engage.campaigns.trials import settled as settled_trials

__all__ = [
    "Arm", "Campaign", "Complaints", "Goal", "Past", "Plan", "Report", "Tried", "Variant", "Window",
    "abort", "arm_of", "brake", "change", "complaints", "create", "experiments", "finish",
    "get", "listing", "parse", "past", "pause", "report", "resume", "running", "send",
    "settled_trials", "start", "to_json",
]  # fmt: skip
