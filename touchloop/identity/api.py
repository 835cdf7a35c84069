"""What other rooms may use of identity."""

from touchloop.identity.alike import Alike, accept_alike, suggest_alike
from touchloop.identity.checking import broken
from touchloop.identity.erasing import erase
from touchloop.identity.merging import Decided, answer, block, merge, separate, undo
from touchloop.identity.namespaces import Rule, for_external_id, normalise, rule
from touchloop.identity.provenance import (
    Held,
    Operation,
    Suggested,
    Tie,
    count_suggestions,
    identifiers,
    merged_at,
    operations,
    suggestions,
)
from touchloop.identity.recompute import Change, lock
from touchloop.identity.resolve import Claim, Resolution, resolve
from touchloop.identity.settling import Unsettled, pending_changes, settle_changes
from touchloop.identity.subjects import customer_named, customers_of, subjects_of

__all__ = [
    "Alike", "Change", "Claim", "Decided", "Held", "Operation", "Resolution", "Rule", "Suggested",
    "Tie", "Unsettled", "accept_alike", "answer", "block", "broken", "count_suggestions",
    "customer_named", "customers_of", "erase", "for_external_id", "identifiers", "lock", "merge",
    "merged_at", "normalise", "operations", "pending_changes", "resolve", "rule", "separate",
    "settle_changes", "subjects_of", "suggest_alike", "suggestions", "undo",
]  # fmt: skip
