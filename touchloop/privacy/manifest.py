"""Every table of the product: whose data it holds, how it is exported, erased and aged.

A table that is missing here fails the build (tests/architecture/test_manifest.py). `key` says how
the rows of one customer are found: by subject (identifier), by customer, or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Key = Literal["subject_id", "customer_id", "id", "identifier", "pair", "none"]
Erasure = Literal["delete", "identity", "never", "with the message", "keyless"]


@dataclass(frozen=True, slots=True)
class Entry:
    """How one table is treated. `reason` is there where nothing personal is held or kept."""

    table: str
    key: Key
    exported: bool
    erased: Erasure
    aged: str
    reason: str = ""


def _none(table: str, reason: str) -> Entry:
    return Entry(table, "none", False, "never", "kept", reason)


MANIFEST: tuple[Entry, ...] = (
    # interactions
    Entry("interactions", "subject_id", True, "delete", "by retention of its category"),
    Entry("interaction_lines", "subject_id", True, "delete", "with its interaction"),
    Entry(
        "inbox",
        "none",
        False,
        "with the message",
        "minutes",
        "messages on their way; empty once the workers have caught up",
    ),
    Entry(
        "held_messages",
        "none",
        False,
        "with the message",
        "90 days",
        "messages without a customer yet; found by their identifiers when a person is erased",
    ),
    _none("sources", "who sends, not about whom"),
    _none("kinds", "names of events"),
    _none("kind_properties", "names and types of properties, with a shortened example"),
    _none("touchpoints", "places of the company"),
    _none("tallies", "sums by source and day"),
    # identity
    Entry("identifiers", "identifier", True, "identity", "with the customer"),
    Entry("links", "pair", True, "identity", "with its identifiers"),
    Entry(
        "merge_operations",
        "none",
        False,
        "keyless",
        "kept",
        "numbers of identifiers only: nobody can be found by them once those are gone",
    ),
    Entry(
        "identity_changes",
        "none",
        False,
        "keyless",
        "seconds",
        "numbers of customers whose identifiers changed a moment ago",
    ),
    Entry("suggestions", "pair", True, "identity", "with its identifiers"),
    # consent
    Entry("use_grants", "subject_id", True, "delete", "kept as long as the customer"),
    Entry("contact_grants", "subject_id", True, "delete", "kept as long as the customer"),
    # profiles
    Entry("trait_values", "subject_id", True, "delete", "with the customer"),
    Entry("customers", "id", True, "delete", "with the customer"),
    Entry("visits", "subject_id", True, "delete", "with the customer"),
    Entry("activity", "customer_id", True, "delete", "with the customer"),
    # insight
    _none("segments", "rules, not people"),
    _none("segment_versions", "rules, not people"),
    Entry("segment_members", "customer_id", True, "delete", "with the customer"),
    Entry("scores", "customer_id", True, "delete", "with the customer"),
    # flow
    _none("flow_batches", "figures of micro-batches"),
    Entry("refreshes", "customer_id", False, "delete", "until due", "a number and a moment"),
    _none("heartbeats", "workers that live"),
    # collect
    _none("import_runs", "files that were imported: their counts and their mapping"),
    # staff and the console: people of the company, not customers
    _none("staff", "people who work here; they leave with their account"),
    _none("audit", "acts of staff, by number; append-only"),
    _none("organisation", "the company itself"),
    _none("saved_views", "views that staff saved"),
    _none("account_emailaddress", "addresses of staff"),
    _none("account_emailconfirmation", "addresses of staff"),
    _none("mfa_authenticator", "second factors of staff"),
    _none("auth_group", "not used"),
    _none("auth_group_permissions", "not used"),
    _none("auth_permission", "names of rights"),
    _none("django_content_type", "names of models"),
    _none("django_migrations", "which tables are up to date"),
    _none("django_session", "sign-ins of staff"),
    # lake
    _none("lake_exports", "which batches lie in the lake"),
)
