"""What other rooms may use of the log."""

from touchloop.interactions.catalogue import Catalogue, renew_examples, type_word
from touchloop.interactions.envelope import Envelope, Rejected, alone, check, explode
from touchloop.interactions.happened import Happened
from touchloop.interactions.held import (
    DEAD_LETTER,
    QUARANTINE,
    Held,
    count_held,
    discard,
    hold,
    quarantined,
    replay,
    restore,
)
from touchloop.interactions.inbox import Block, claim, delete, depth, forgive, put, read, replace
from touchloop.interactions.judging import MAX_ITEM, TYPES, Message
from touchloop.interactions.ledger import Ledger, add, fold, snapshot
from touchloop.interactions.log import (
    IDS_OF_A_BATCH,
    IN,
    OUT,
    Line,
    Row,
    append,
    append_lines,
    first_id,
    next_batch,
)
from touchloop.interactions.overview import (
    HeldFilter,
    HeldRow,
    KindPage,
    KindRow,
    Property,
    held_ids,
    held_message,
    held_reasons,
    held_rows,
    kind,
    kind_trends,
    kind_types,
    kinds,
    source_days,
)
from touchloop.interactions.places import places_without_region, set_regions
from touchloop.interactions.plans import Plans
from touchloop.interactions.record import (
    DIRECT,
    PUT_BLOCKS,
    Packed,
    Record,
    as_array,
    pack_block,
    pack_blocks,
    unpack_block,
)
from touchloop.interactions.sources import (
    Source,
    create,
    ensure,
    every,
    get,
    load,
    own_id,
    rotate_key,
    update,
)
from touchloop.interactions.telling import News, subject_named, tell

__all__ = [
    "Block", "Catalogue", "DEAD_LETTER", "DIRECT", "Envelope", "Happened", "Held", "HeldFilter",
    "HeldRow", "IDS_OF_A_BATCH", "IN", "KindPage", "KindRow", "Ledger", "Line", "MAX_ITEM",
    "Message", "News", "OUT", "PUT_BLOCKS", "Packed", "Plans", "Property", "QUARANTINE",
    "Record", "Rejected", "Row", "Source", "TYPES", "add", "alone", "append", "append_lines",
    "as_array", "check", "claim", "count_held", "create", "delete", "depth", "discard",
    "ensure", "every", "explode", "first_id", "fold", "forgive", "get", "held_ids",
    "held_message", "held_reasons", "held_rows", "hold", "kind", "kind_trends", "kind_types",
    "kinds", "load", "next_batch", "own_id", "pack_block", "pack_blocks",
    "places_without_region", "put", "quarantined", "read", "renew_examples", "replace",
    "replay", "restore", "rotate_key", "set_regions", "snapshot", "source_days",
    "subject_named", "tell", "type_word", "unpack_block", "update",
]  # fmt: skip
