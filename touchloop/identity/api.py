"""What other rooms may use of identity."""

from touchloop.identity.namespaces import normalise
from touchloop.identity.resolve import Claim, Resolution, resolve
from touchloop.identity.settling import Unsettled, pending_changes, settle_changes
from touchloop.identity.subjects import customers_of, subjects_of

__all__ = [
    "Claim", "Resolution", "Unsettled", "customers_of", "normalise", "pending_changes", "resolve",
    "settle_changes", "subjects_of",
]
