"""What other rooms may call."""

from __future__ import annotations

from touchloop.insight.models.attempting import attempt, roll_back
from touchloop.insight.models.consenting import everybody, people, vetted
from touchloop.insight.models.drifting import MOVED, MOVED_MUCH, compared, deciles, shares
from touchloop.insight.models.drifting import index as stability_index
from touchloop.insight.models.judging import Judgement, judge
from touchloop.insight.models.keeping import (
    VersionInfo,
    current,
    latest,
    learned,
    version,
    versions,
)
from touchloop.insight.models.running import Cancelled, Progress, Stopped, open_run
from touchloop.insight.models.schedule import (
    Due,
    RunInfo,
    ask,
    cancel,
    due,
    latest_runs,
    next_at,
    open_run_of,
    runs,
)
from touchloop.insight.models.seam import Feature, Kind, Metric, Run, Scored, Trained
from touchloop.insight.models.simulating import ANALYSES
from touchloop.insight.models.training import Touched, score, train
from touchloop.insight.models.withdrawing import retire, withdraw

__all__ = [
    "ANALYSES", "MOVED", "MOVED_MUCH", "Cancelled", "Due", "Feature", "Judgement", "Kind", "Metric",
    "Progress", "Run", "RunInfo", "Scored", "Stopped", "Touched", "Trained", "VersionInfo",
    "ask", "attempt", "cancel", "compared", "current", "deciles", "due", "everybody", "judge",
    "latest", "latest_runs", "learned", "next_at", "open_run", "open_run_of", "people",
    "retire", "roll_back", "runs", "score", "shares", "stability_index", "train", "version",
    "versions", "vetted", "withdraw",
]  # fmt: skip
