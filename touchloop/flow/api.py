"""What the doors and the command line may use of the flow."""

from touchloop.flow.exporting import compact, export_all, rebuild
from touchloop.flow.filling import Filling, fill_segment
from touchloop.flow.steps import ON_INTERACTIONS, Step
from touchloop.flow.worker import drain, run

__all__ = [
    "ON_INTERACTIONS", "Filling", "Step", "compact", "drain", "export_all", "fill_segment",
    "rebuild", "run",
]
