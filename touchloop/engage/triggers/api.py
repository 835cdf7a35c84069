"""What other rooms may use of the triggers."""

from touchloop.engage.triggers.definition import (
    Act,
    Ask,
    Check,
    Definition,
    Goal,
    Occasion,
    Offer,
    OpenCase,
    Send,
    Step,
    Wait,
    Where,
    parse,
    to_json,
)
from touchloop.engage.triggers.examples import install_examples
from touchloop.engage.triggers.keeping import (
    Trigger,
    Version,
    abort,
    change,
    create,
    get,
    listing,
    pause,
    resume,
    versions,
)
from touchloop.engage.triggers.reporting import Line, Report, report, runs
from touchloop.engage.triggers.sentence import sentence
from touchloop.engage.triggers.starting import Met, concerns, enrol, on_batch
from touchloop.engage.triggers.walking import due

__all__ = [
    "Act", "Ask", "Check", "Definition", "Goal", "Line", "Met", "Occasion", "Offer", "OpenCase",
    "Report", "Send", "Step", "Trigger", "Version", "Wait", "Where", "abort", "change",
    "concerns", "create", "due", "enrol", "get", "install_examples", "listing", "on_batch",
    "parse", "pause", "report", "resume", "runs", "sentence", "to_json", "versions",
]  # fmt: skip
