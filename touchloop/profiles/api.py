"""What other rooms may use of the profiles."""

from touchloop.profiles.activity import ORDER, REFUND, Touch, lock, recount, touch
from touchloop.profiles.folding import fold, forget
from touchloop.profiles.traits import (
    IMPORT,
    INFERRED,
    PERSON,
    STAFF,
    SYSTEM,
    TraitValue,
    authority_of,
    permitted,
    record,
)

__all__ = [
    "IMPORT", "INFERRED", "ORDER", "PERSON", "REFUND", "STAFF", "SYSTEM", "Touch", "TraitValue",
    "authority_of", "fold", "forget", "lock", "permitted", "record", "recount", "touch",
]
