"""What other rooms may use of offers."""

from touchloop.engage.offers.book import Book, book, forget, live
from touchloop.engage.offers.definition import (
    Comparison,
    Conditions,
    Definition,
    Impressions,
    Memory,
    Offer,
    Treatment,
    read,
    write,
)
from touchloop.engage.offers.keeping import (
    Version,
    change,
    create,
    get,
    listing,
    named,
    set_state,
    versions,
)
from touchloop.engage.offers.wording import compared, parts_of, sentence

__all__ = [
    "Book", "Comparison", "Conditions", "Definition", "Impressions", "Memory", "Offer",
    "Treatment", "Version", "book", "change", "compared", "create", "forget", "get", "listing",
    "live", "named", "parts_of", "read", "sentence", "set_state", "versions", "write",
]  # fmt: skip
