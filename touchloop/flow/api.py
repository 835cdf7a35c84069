"""What the doors and the command line may use of the flow."""

from touchloop.flow.attending import attend_segments
from touchloop.flow.delivering import drain as deliver_all
from touchloop.flow.delivering import run as deliver
from touchloop.flow.exporting import compact, export_all, rebuild
from touchloop.flow.filling import Filling, fill_segment
from touchloop.flow.learning import Learner, ask_to_learn, kinds, learn, learn_once
from touchloop.flow.replaying import Replayed
from touchloop.flow.scoring import refresh_scores
from touchloop.flow.state import Lag, Living, lag, living_workers
from touchloop.flow.steps import ON_INTERACTIONS, Step
from touchloop.flow.worker import drain, replay, run

__all__ = [
    "ON_INTERACTIONS",
    "Filling",
    "Lag",
    "Learner",
    "Living",
    "Replayed",
    "Step",
    "attend_segments",
    "ask_to_learn",
    "compact",
    "deliver",
    "deliver_all",
    "drain",
    "export_all",
    "fill_segment",
    "kinds",
    "lag",
    "learn",
    "learn_once",
    "living_workers",
    "rebuild",
    "refresh_scores",
    "replay",
    "run",
]
