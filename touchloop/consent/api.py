"""What other rooms may use of consent."""

from touchloop.consent.deciding import (
    NOBODY_SAID_ANYTHING,
    Choice,
    Decision,
    PersonConsent,
    decide,
    mask,
)
from touchloop.consent.folding import Row, fold
from touchloop.consent.ledger import (
    allowed_mask,
    choosy,
    person_of,
    read,
    read_for,
    record_contact,
    record_use,
)
from touchloop.consent.matrix import MATRIX, Rule, default, strictest
from touchloop.consent.purposes import ALL_BITS, BIT, CATEGORIES, PURPOSES, bits, names
from touchloop.consent.statements import GIVEN, WITHDRAWN, ContactGrant, UseGrant, said_in

__all__ = [
    "ALL_BITS", "BIT", "CATEGORIES", "GIVEN", "MATRIX", "NOBODY_SAID_ANYTHING", "PURPOSES",
    "WITHDRAWN", "Choice", "ContactGrant", "Decision", "PersonConsent", "Row", "Rule", "UseGrant",
    "allowed_mask", "bits", "choosy", "decide", "default", "fold", "mask", "names", "person_of",
    "read", "read_for", "record_contact", "record_use", "said_in", "strictest",
]  # fmt: skip
