"""Step `plan`: events that break the tracking plan of their source are warned about or held."""

from __future__ import annotations

from touchloop.flow.batch import Batch, Work
from touchloop.interactions.api import Plans

_plans = Plans()


def keep_the_plan(batch: Batch, work: Work) -> Batch:
    """Check the events of sources that have a plan."""
    kept = []
    warned = held = 0
    for message in batch.messages:
        source, envelope = message.source, message.envelope
        complaint = ""
        if source.plan and source.plan_mode != "allow" and envelope.type == "track":
            complaint = _plans.complaint(source, envelope.name, envelope.properties)
        if complaint and source.plan_mode == "quarantine":
            batch.set_aside(message, "plan", complaint)
            held += 1
            continue
        warned += bool(complaint)
        kept.append(message)
    batch.messages = kept
    if warned or held:
        batch.note("plan", warned=warned, held=held)
    return batch
