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
    Entry("trait_statements", "subject_id", True, "delete", "with the customer"),
    Entry("customers", "id", True, "delete", "with the customer"),
    Entry("visits", "subject_id", True, "delete", "with the customer"),
    Entry("activity", "customer_id", True, "delete", "with the customer"),
    # insight
    _none("segments", "rules, not people"),
    _none("segment_versions", "rules, not people"),
    _none("segment_sizes", "how many members there were, not who"),
    _none("segment_schedules", "when segments are refreshed or exported, not of whom"),
    _none("contrasts", "how many of two segments did what, never fewer than five"),
    Entry("segment_members", "customer_id", True, "delete", "with the customer"),
    Entry("scores", "customer_id", True, "delete", "with the customer"),
    Entry("intent_visits", "customer_id", True, "delete", "with the customer"),
    Entry("uplift_trials", "subject_id", True, "delete", "with the customer"),
    _none("matching_versions", "weights and frequent values, each of many people"),
    _none("matching_runs", "when customers were compared, and how many"),
    _none("matching_policy", "how sure matching must be to merge by itself"),
    Entry("matching_pairs", "pair", True, "delete", "until the next run"),
    Entry("matching_labels", "pair", True, "delete", "with its identifiers"),
    Entry("household_members", "customer_id", True, "delete", "until the next run"),
    Entry("household_apart", "pair", True, "delete", "with its identifiers"),
    _none("matching_lists", "that a list was compared, its headings, and how many rows"),
    Entry("matching_list_rows", "customer_id", True, "delete", "30 days"),
    _none("affinity_counts", "sums over all baskets"),
    _none("affinity_pairs", "sums over all baskets and households, of ten baskets at least"),
    _none("affinity_cuts", "sums over the baskets of a store or a quarter, of ten at least"),
    _none("affinity_families", "departments, categories and products"),
    _none("affinity_family_versions", "what people of the company called them"),
    _none("affinity_ideas", "what could be done with products, to nobody in particular"),
    _none("model_versions", "what was learned over many: sums, weights and how good they are"),
    _none("model_runs", "when models were trained, and what became of it"),
    _none("motion_items", "names of what is captured, and what it costs"),
    _none("motion_uses", "which parts of the product use what is captured"),
    _none("motion_days", "how much of what is captured was in use"),
    # records
    Entry("cases", "subject_id", True, "delete", "with the customer"),
    Entry("case_events", "subject_id", True, "delete", "with its case"),
    # experience
    _none("surveys", "what is asked, not of whom"),
    _none("survey_versions", "the words of surveys"),
    _none("survey_shares", "how large a share is asked at a place"),
    _none("survey_policy", "what holds for all surveys"),
    Entry("invitations", "subject_id", True, "delete", "with the customer"),
    Entry("answers", "subject_id", True, "delete", "with the customer"),
    Entry("signals", "subject_id", True, "delete", "with the customer"),
    _none("signal_rules", "what counts as a signal"),
    # channels
    Entry("deliveries", "subject_id", True, "delete", "with the customer"),
    Entry("contacts", "subject_id", True, "delete", "with the customer"),
    Entry("suppressions", "subject_id", True, "delete", "with the customer"),
    Entry("contact_pace", "subject_id", True, "delete", "with the customer"),
    Entry(
        "suppressed_addresses",
        "none",
        False,
        "keyless",
        "kept",
        "keyed hashes of addresses that must not be written to, also after their erasure",
    ),
    _none("contact_policy", "the rules of contact, one row for each version"),
    _none("webhook_endpoints", "addresses of the company's own programs, and their keys"),
    # channels: e-mail
    _none("message_templates", "messages as written, before anybody's data is in them"),
    _none("message_topics", "what customers may choose or leave"),
    Entry(
        "message_links",
        "none",
        False,
        "never",
        "400 days",
        "where the links of messages lead, not who followed them",
    ),
    Entry("message_touches", "subject_id", True, "delete", "with the customer"),
    Entry("mail_returns", "subject_id", True, "delete", "400 days"),
    Entry("demo_inbox", "subject_id", True, "delete", "the newest 5,000 messages"),
    # offers and decisions
    _none("offers", "what may be proposed, to nobody in particular"),
    _none("offer_versions", "what offers said before"),
    _none("treatments", "how offers look"),
    _none("offer_books", "which versions of offers were live together"),
    _none("decision_policies", "how offers are weighed"),
    _none("decision_models", "sums over all: what was learned about offers"),
    Entry("decisions", "subject_id", True, "delete", "with the customer"),
    Entry("offer_outcomes", "subject_id", True, "delete", "with the customer"),
    Entry("offer_exposures", "subject_id", True, "delete", "with the customer"),
    _none("api_keys", "programs that may ask; hashes of their keys"),
    # triggers and campaigns
    _none("triggers", "what is done when, not with whom"),
    _none("trigger_versions", "what was done when, not with whom"),
    Entry("trigger_runs", "subject_id", True, "delete", "with the customer"),
    _none("campaigns", "messages and their audiences, not who is in them"),
    Entry("campaign_members", "subject_id", True, "delete", "with the customer"),
    # flow
    _none("flow_batches", "figures of micro-batches"),
    Entry("refreshes", "customer_id", False, "delete", "until due", "a number and a moment"),
    _none("heartbeats", "workers that live"),
    # collect
    _none("import_runs", "files that were imported: their counts and their mapping"),
    # staff and the console: people of the company, not customers
    _none("staff", "people who work here; they leave with their account"),
    _none("counted", "how often somebody tried to sign in, for minutes"),
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
