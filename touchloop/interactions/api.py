"""What other rooms may use of the log."""

from touchloop.interactions.catalogue import Catalogue, type_word
from touchloop.interactions.envelope import Envelope, Rejected, alone, check, explode
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
from touchloop.interactions.plans import Plans
from touchloop.interactions.record import DIRECT, PUT_BLOCK, Record, pack_block, unpack_block
from touchloop.interactions.sources import (
    Source,
    create,
    ensure,
    every,
    get,
    load,
    rotate_key,
    update,
)

__all__ = [
    "DEAD_LETTER", "DIRECT", "IDS_OF_A_BATCH", "MAX_ITEM", "Message", "PUT_BLOCK", "TYPES",
    "IN", "OUT", "QUARANTINE", "Block", "Catalogue", "Envelope",
    "Held", "Ledger", "Line", "Plans", "Record", "Rejected", "Row", "Source", "add", "alone",
    "append", "append_lines", "check", "claim", "count_held", "create", "delete", "depth", "discard", "ensure",
    "every", "explode", "first_id", "fold", "forgive", "get", "hold", "load", "next_batch", "put",
    "quarantined", "read", "replace", "replay", "restore", "rotate_key", "snapshot", "type_word",
    "pack_block", "unpack_block", "update",
    "HeldFilter", "HeldRow", "KindPage", "KindRow", "Property", "held_ids", "held_message",
    "held_reasons", "held_rows", "kind", "kind_trends", "kind_types", "kinds", "source_days",
]
