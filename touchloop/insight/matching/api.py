"""What other rooms may call.

`due` and `run` are for the part that learns; `ask` is the button of the console.
"""

from __future__ import annotations

from touchloop.insight.matching.clustering import components
from touchloop.insight.matching.homes import Home, home_of, homes
from touchloop.insight.matching.judging import (
    ANSWERS,
    PairInfo,
    Point,
    Policy,
    change_policy,
    curve,
    label,
    labelled,
    policy,
    sure_from,
    unlabelled,
)
from touchloop.insight.matching.matching import Matched, connect, match, probability_of
from touchloop.insight.matching.measuring import (
    SIMPLE_RULE,
    Quality,
    of_clusters,
    of_pairs,
    simple_rule,
)
from touchloop.insight.matching.proposing import Evidence
from touchloop.insight.matching.reading import RAW, read, rows_of, values
from touchloop.insight.matching.running import (
    RunInfo,
    VersionInfo,
    ask,
    due,
    latest,
    one_run,
    run,
    version,
    versions,
)

__all__ = [
    "ANSWERS", "RAW", "SIMPLE_RULE", "Evidence", "Home", "Matched", "PairInfo", "Point", "Policy",
    "Quality", "RunInfo", "VersionInfo", "ask", "change_policy", "components", "connect", "curve",
    "due", "home_of", "homes", "label", "labelled", "latest", "match", "of_clusters",
    "of_pairs", "one_run", "policy", "probability_of", "read", "rows_of", "run", "simple_rule",
    "sure_from", "unlabelled", "values", "version", "versions",
]  # fmt: skip
