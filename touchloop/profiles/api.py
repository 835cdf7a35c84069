"""What other rooms may use of the profiles."""

from touchloop.profiles.activity import (
    ORDER,
    Touch,
    advance_stages,
    lock,
    recount,
    take_turn,
    touch,
)
from touchloop.profiles.finding import Match, find
from touchloop.profiles.folding import fold, forget
from touchloop.profiles.places import (
    known_locations,
    locations_of,
    touchpoints_of,
)
from touchloop.profiles.places import (
    remember as remember_places,
)
from touchloop.profiles.reading import Customer, Fact, Named, customer, names, rivals
from touchloop.profiles.search import (
    SORTS,
    Among,
    Count,
    Filter,
    Listed,
    Page,
    count,
    listing,
    traits_in_use,
)
from touchloop.profiles.timeline import (
    Item,
    Part,
    Product,
    kinds_and_channels,
    newer,
    products,
)
from touchloop.profiles.timeline import (
    one as one_interaction,
)
from touchloop.profiles.timeline import (
    page as timeline,
)
from touchloop.profiles.traits import (
    IMPORT,
    INFERRED,
    MERGE,
    PERSON,
    STAFF,
    SYSTEM,
    TraitValue,
    authority_of,
    permitted,
    record,
)

__all__ = [
    "IMPORT",
    "INFERRED",
    "MERGE",
    "ORDER",
    "PERSON",
    "SORTS",
    "STAFF",
    "SYSTEM",
    "Among",
    "Count",
    "Customer",
    "Fact",
    "Filter",
    "Item",
    "Listed",
    "Match",
    "Named",
    "Page",
    "Part",
    "Product",
    "Touch",
    "TraitValue",
    "advance_stages",
    "authority_of",
    "count",
    "customer",
    "find",
    "fold",
    "forget",
    "kinds_and_channels",
    "known_locations",
    "listing",
    "locations_of",
    "lock",
    "names",
    "newer",
    "one_interaction",
    "permitted",
    "products",
    "record",
    "recount",
    "remember_places",
    "rivals",
    "take_turn",
    "timeline",
    "touch",
    "touchpoints_of",
    "traits_in_use",
]
