"""The append-only log. `append` is the only way in.

Rows go in by binary COPY: one call for a whole micro-batch. Each batch owns a run of ids, so that
what a batch wrote can be named by its first and last id.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice

import msgspec

from touchloop.core.copying import EPOCH_2000, copy_in
from touchloop.core.db import Connection

IDS_OF_A_BATCH = 1 << 20  # messages of a batch, and what segments say about their customers
IN, OUT = 0, 1
PIECE = 100  # rows, some 50 KB


class Row(msgspec.Struct, frozen=True, gc=False):
    """One interaction, ready to be written; instants in microseconds since 1970 UTC."""

    id: int
    subject_id: int
    source_id: int
    kind_id: int
    touchpoint_id: int | None
    occurred_us: int
    received_us: int
    direction: int
    value: float | None
    message_key: bytes
    payload_hash: int
    uses: int
    body: bytes


class Line(msgspec.Struct, frozen=True, gc=False):
    """One product of an order, a cart or a return."""

    product_id: str
    name: str
    department: str
    category: str
    brand: str
    quantity: float | None
    price: float | None
    amount: float | None


def next_batch(conn: Connection) -> int:
    """The id of a new micro-batch; its interactions get ids from `first_id(batch)` on."""
    row = conn.execute("SELECT nextval('flow_batch_ids')").fetchone()
    assert row is not None
    return int(row[0])


def first_id(batch_id: int) -> int:
    """The first interaction id that belongs to a micro-batch."""
    return batch_id * IDS_OF_A_BATCH


def append(conn: Connection, rows: Sequence[Row], *, table: str = "interactions") -> None:
    """Write interactions. Raises UniqueViolation when a message key stands in the log already.

    `table` names another table of the same shape; only our own code may choose it.
    """
    if not rows:
        return
    columns = (
        "id, subject_id, source_id, kind_id, touchpoint_id, occurred_at, received_at, direction,"
        " value, message_key, payload_hash, uses, body"
    )
    copy_in(conn, table, columns, _pieces(map(_pack_row, rows)))


def append_lines(conn: Connection, orders: Sequence[tuple[Row, Sequence[Line]]]) -> None:
    """Write the products of orders that were appended in the same transaction."""
    if not orders:
        return
    columns = (
        "interaction_id, line, subject_id, kind_id, occurred_at, product_id, name, department,"
        " category, brand, quantity, price, amount"
    )
    packed = (_pack_lines(row, lines) for row, lines in orders)
    copy_in(conn, "interaction_lines", columns, _pieces(packed))


def _pieces(packed: Iterable[bytes]) -> Iterator[bytes]:
    rows = iter(packed)
    while piece := list(islice(rows, PIECE)):
        yield b"".join(piece)


_NULL = b"\xff\xff\xff\xff"
# A row up to its body, by which of touchpoint and value are given.
_START, _MIDDLE, _END = "hiqiqiiii", "iqiqih", "i16siqiii"
_PLACED, _WORTH = "ii", "id"
_ROW = {
    (placed, worth): struct.Struct(
        f">{_START}{_PLACED if placed else 'i'}{_MIDDLE}{_WORTH if worth else 'i'}{_END}"
    ).pack
    for placed in (True, False)
    for worth in (True, False)
}
_FLOAT8 = struct.Struct(">id").pack
_LINE = struct.Struct(">hiqiiiqiiiq").pack
_LENGTH = struct.Struct(">i").pack


def _pack_row(row: Row) -> bytes:
    place, value, body = row.touchpoint_id, row.value, row.body
    head = _ROW[place is not None, value is not None](
        13, 8, row.id, 8, row.subject_id, 4, row.source_id, 4, row.kind_id,
        *((-1,) if place is None else (4, place)),
        8, row.occurred_us - EPOCH_2000, 8, row.received_us - EPOCH_2000, 2, row.direction,
        *((-1,) if value is None else (8, value)),
        16, row.message_key, 8, row.payload_hash, 4, row.uses, len(body),
    )  # fmt: skip
    return head + body


def _pack_lines(row: Row, lines: Sequence[Line]) -> bytes:
    """Of many small values: it is written for speed."""
    occurred = row.occurred_us - EPOCH_2000
    id, subject, kind, text, number = row.id, row.subject_id, row.kind_id, _text, _number
    return b"".join(
        [
            part
            for n, line in enumerate(lines)
            for part in (
                _LINE(13, 8, id, 4, n, 8, subject, 4, kind, 8, occurred),
                text(line.product_id),
                text(line.name),
                text(line.department),
                text(line.category),
                text(line.brand),
                number(line.quantity),
                number(line.price),
                number(line.amount),
            )
        ]
    )


@lru_cache(maxsize=100_000)
def _text(value: str) -> bytes:
    data = value.encode("utf-8", "replace").replace(b"\0", b"")
    return _LENGTH(len(data)) + data


def _number(value: float | None) -> bytes:
    return _NULL if value is None else _FLOAT8(8, value)
