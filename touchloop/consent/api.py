"""What other rooms may use of consent."""

from touchloop.consent.deciding import (
    NOBODY_SAID_ANYTHING,
    Choice,
    Decision,
    PersonConsent,
    decide,
    mask,
)
from touchloop.consent.ledger import (
    GIVEN,
    WITHDRAWN,
    ContactGrant,
    UseGrant,
    allowed_mask,
    read,
    record_contact,
    record_use,
    said_in,
)
from touchloop.consent.purposes import ALL_BITS, BIT, CATEGORIES, PURPOSES, bits, names

__all__ = [
    "ALL_BITS", "BIT", "CATEGORIES", "GIVEN", "NOBODY_SAID_ANYTHING", "PURPOSES", "WITHDRAWN",
    "Choice", "ContactGrant", "Decision", "PersonConsent", "UseGrant", "allowed_mask", "bits",
    "decide", "mask", "names", "read", "record_contact", "record_use", "said_in",
]
