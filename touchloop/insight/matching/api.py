"""What other rooms may call.

`due` and `run` are for the part that learns; `ask` is the button of the console.
"""

from __future__ import annotations

from touchloop.insight.matching.clustering import components
from touchloop.insight.matching.homes import Home, home_of, homes, part, rejoin
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
from touchloop.insight.matching.lists import (
    ANSWERS as LIST_ANSWERS,
)
from touchloop.insight.matching.lists import (
    ListInfo,
    ListRow,
    forget,
    list_rows,
    lists,
    one_list,
)
from touchloop.insight.matching.lists import keep as keep_list
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
    ask,
    due,
    latest,
    one_run,
    run,
)
from touchloop.insight.matching.versions import VersionInfo, use, version, versions

__all__ = [
    "ANSWERS", "LIST_ANSWERS", "RAW", "SIMPLE_RULE", "Evidence", "Home", "ListInfo", "ListRow",
    "Matched", "PairInfo", "Point", "Policy", "Quality", "RunInfo", "VersionInfo", "ask",
    "change_policy", "components", "connect", "curve", "due", "forget", "home_of", "homes",
    "keep_list", "label", "labelled", "latest", "list_rows", "lists", "match", "of_clusters",
    "of_pairs", "one_list", "one_run", "part", "policy", "probability_of", "read", "rejoin",
    "rows_of", "run", "simple_rule", "sure_from", "unlabelled", "use", "values", "version",
    "versions",
]  # fmt: skip
