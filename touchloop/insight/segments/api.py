"""What other rooms may call."""

from __future__ import annotations

from touchloop.insight.segments.asking import satisfying
from touchloop.insight.segments.browsing import Membership, members, segments_of
from touchloop.insight.segments.compile import Compiled, compile_rules
from touchloop.insight.segments.concerned import Group, groups
from touchloop.insight.segments.examples import EXAMPLES, Example, install_examples
from touchloop.insight.segments.exporting import Exported, Wish, export
from touchloop.insight.segments.fill import (
    Comparison,
    Filled,
    Preview,
    compare,
    engine,
    fill,
    preview,
)
from touchloop.insight.segments.grammar import RuleSet
from touchloop.insight.segments.keeping import (
    Segment,
    Version,
    change,
    create,
    delete,
    dependants,
    get,
    listing,
    set_state,
    versions,
)
from touchloop.insight.segments.live import SCHEMAS, LiveResult, evaluate
from touchloop.insight.segments.live_rules import Live, live
from touchloop.insight.segments.membership import (
    MembershipChange,
    Outdated,
    Standing,
    apply,
    forget,
    recount,
)
from touchloop.insight.segments.needs import Needs, Reading
from touchloop.insight.segments.overlap import Intersection, overlap
from touchloop.insight.segments.overlap import among as among_overlap
from touchloop.insight.segments.parsing import parse, to_json
from touchloop.insight.segments.scheduling import (
    Schedule,
    next_time,
    plan,
    run_due,
    schedules,
    to_folder,
    unplan,
)
from touchloop.insight.segments.sentence import sentence
from touchloop.insight.segments.sizes import Size, sizes
from touchloop.insight.segments.sizes import thin as thin_sizes
from touchloop.insight.segments.subjects import Subjects, subjects
from touchloop.insight.segments.why import Reason, Why, why

__all__ = [
    "EXAMPLES", "SCHEMAS", "Comparison", "Compiled", "Example", "Exported", "Filled", "Group",
    "Intersection", "Live", "LiveResult", "Membership", "MembershipChange", "Needs", "Outdated",
    "Preview", "Reading", "Reason", "RuleSet", "Schedule", "Segment", "Size", "Standing",
    "Subjects", "Version", "Why", "Wish", "among_overlap", "apply", "change", "compare",
    "compile_rules", "create", "delete", "dependants", "engine", "evaluate", "export", "fill",
    "forget", "get", "groups", "install_examples", "listing", "live", "members", "next_time",
    "overlap", "parse", "plan", "preview", "recount", "run_due", "satisfying", "schedules",
    "segments_of", "sentence", "set_state", "sizes", "subjects", "thin_sizes", "to_folder",
    "to_json", "unplan", "versions", "why",
]  # fmt: skip
