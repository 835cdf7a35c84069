"""What other rooms may call."""

from __future__ import annotations

from touchloop.insight.segments.asking import satisfying
from touchloop.insight.segments.browsing import Membership, members, segments_of
from touchloop.insight.segments.compile import Compiled, compile_rules
from touchloop.insight.segments.concerned import Group, groups
from touchloop.insight.segments.examples import EXAMPLES, Example, install_examples
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
from touchloop.insight.segments.membership import MembershipChange, apply, forget, recount
from touchloop.insight.segments.needs import Needs, Reading
from touchloop.insight.segments.parsing import parse, to_json
from touchloop.insight.segments.sentence import sentence
from touchloop.insight.segments.why import Reason, Why, why

__all__ = [
    "EXAMPLES", "SCHEMAS", "Comparison", "Compiled", "Example", "Filled", "Group", "Live",
    "LiveResult", "Membership", "MembershipChange", "Needs", "Preview", "Reading", "Reason",
    "RuleSet", "Segment", "Version", "Why", "apply", "change", "compare", "compile_rules",
    "create", "delete", "dependants", "engine", "evaluate", "fill", "forget", "get", "groups",
    "install_examples", "listing", "live", "members", "parse", "preview", "recount",
    "satisfying", "segments_of", "sentence", "set_state", "to_json", "versions", "why",
]  # fmt: skip
