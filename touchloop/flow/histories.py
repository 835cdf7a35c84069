"""What a worker has read of the log, kept for the customers who come again soon.

Reading a customer's history costs more than deciding the rules upon it. Whoever was here a moment
ago is known still: what came since is the batch itself. That nothing else came is told by the
customer's turn (profiles.activity), which everything that writes to the log for a customer counts
up under the customer's lock. Rows are kept packed, so that thousands of customers are one join.
"""

from __future__ import annotations

import struct
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from touchloop.insight.segments.api import Needs, Reading
from touchloop.interactions.api import Line, Row

BYTES = 128 << 20  # of memory, for one worker
BYTES_OF_ONE = 64 << 10  # a customer with more is read again each time
BESIDE = 400  # bytes that a customer costs besides the rows
WORDS = 100_000

# As they are kept; `Row` and `Line` of the log, as far as rules read them.
ROW = np.dtype(
    [("id", "<i8"), ("kind_id", "<i4"), ("touchpoint_id", "<i4"), ("occurred_at", "<i8"),
     ("value", "<f8")]
)  # fmt: skip
TEXTS = ("product_id", "product", "department", "category", "brand")
AMOUNTS = ("quantity", "price", "amount")
LINE = np.dtype(
    [("interaction_id", "<i8"), ("kind_id", "<i4"), ("occurred_at", "<i8"),
     *((name, "<i4") for name in TEXTS), *((name, "<f8") for name in AMOUNTS)]
)  # fmt: skip
_ROW = struct.Struct("<qiiqd").pack
_LINE = struct.Struct("<qiqiiiiiddd").pack
_NONE = float("nan")


class Kept(NamedTuple):
    """All that the rules read of one customer, as it stood after a turn."""

    turn: int
    rows: bytes
    lines: bytes


class News(NamedTuple):
    """What a batch has added, packed, by customer."""

    rows: Mapping[int, list[bytes]]
    lines: Mapping[int, list[bytes]]


class Part(NamedTuple):
    """The histories of some customers, joined: whose each row is, and the rows."""

    row_of: Any
    rows: Any
    line_of: Any
    lines: Any


@dataclass(slots=True)
class Histories:
    """The memory of one worker; it holds what is committed, and no more than BYTES."""

    limit: int = BYTES
    size: int = 0
    kept: dict[int, Kept] = field(default_factory=dict)
    stands: dict[int, bytes] = field(default_factory=dict)  # the segments of whoever is kept
    words: dict[str, dict[str, int]] = field(default_factory=dict)  # of each column of texts
    listed: dict[str, list[str]] = field(default_factory=dict)  # the same by number
    _read: tuple[Reading | None, Reading | None] = (None, None)
    _since: tuple[datetime | None, datetime | None] = (None, None)
    _stamp: Hashable = ()

    def fit(self, needs: Needs, now: datetime, stamp: Hashable) -> None:
        """Forget everything when the rules now read something else, or further back.

        Where customers stand is forgotten when a rule or the members of a segment changed, which
        the stamp tells.
        """
        if stamp != self._stamp:
            self.size -= sum(map(len, self.stands.values()))
            self.stands.clear()
            self._stamp = stamp
        read = (needs.interactions, needs.lines)
        since = (_since(needs.interactions, now), _since(needs.lines, now))
        reaches = all(
            old is None or (new is not None and new >= old)
            for old, new in zip(self._since, since, strict=True)
        )
        if read != self._read or not reaches or sum(map(len, self.words.values())) > WORDS:
            self.clear()
            self._read, self._since = read, since

    def clear(self) -> None:
        self.kept.clear()
        self.stands.clear()
        self.words.clear()
        self.listed.clear()
        self.size = 0

    def known(self, customers: Iterable[int], turns: Mapping[int, int]) -> dict[int, Kept]:
        """Those of whom nothing was missed: the turn now is the one after theirs."""
        found = {}
        for customer in customers:
            kept = self.kept.get(customer)
            if kept is not None and turns.get(customer) == kept.turn + 1:
                found[customer] = kept
        return found

    def keep(self, histories: Mapping[int, Kept], stands: Mapping[int, bytes]) -> None:
        """What is committed. Those who were not here for the longest go first."""
        for customer, kept in histories.items():
            self._forget(customer)
            if len(kept.rows) + len(kept.lines) <= BYTES_OF_ONE:
                self.kept[customer] = kept
                self.size += _size(kept)
                if customer in stands:
                    self.stands[customer] = stands[customer]
                    self.size += len(stands[customer])
        while self.size > self.limit:
            self._forget(next(iter(self.kept)))

    def code(self, column: str, text: str) -> int:
        """A number for a text of a column of lines, as the log holds it."""
        known = self.words.setdefault(column, {})
        found = known.get(text)
        if found is None:
            held, listed = stored(text), self.listed.setdefault(column, [])
            found = known[text] = known.setdefault(held, len(listed))
            if found == len(listed):
                listed.append(held)
        return found

    def texts(self, column: str, codes: Any) -> pa.DictionaryArray:
        """The texts of a column, a word for each number that occurs."""
        used, places = np.unique(codes, return_inverse=True)
        listed = self.listed.get(column, [])
        return pa.DictionaryArray.from_arrays(
            pa.array(places.astype(np.int32)),
            pa.array([listed[code] for code in used.tolist()], pa.string()),
        )

    def _forget(self, customer: int) -> None:
        kept = self.kept.pop(customer, None)
        if kept is not None:
            self.size -= _size(kept) + len(self.stands.pop(customer, b""))


def pack_row(row: Row) -> bytes:
    """A row of the log as it is kept."""
    value = row.value
    return _ROW(
        row.id,
        row.kind_id,
        row.touchpoint_id or 0,
        row.occurred_us,
        _NONE if value is None else value,
    )


def pack_lines(
    row: Row, lines: Sequence[Line], reading: Reading, histories: Histories
) -> Iterator[bytes]:
    """The products of an order as they are kept; columns that no rule reads are left empty."""
    wanted = [(place, name) for place, name in enumerate(TEXTS) if name in reading.columns]
    for line in lines:
        texts = (line.product_id, line.name, line.department, line.category, line.brand)
        if not all(stored(texts[_PLACE[column]]) in only for column, only in reading.only):
            continue
        codes = [0] * len(TEXTS)
        for place, name in wanted:
            codes[place] = histories.code(name, texts[place])
        quantity, price, amount = line.quantity, line.price, line.amount
        yield _LINE(
            row.id,
            row.kind_id,
            row.occurred_us,
            *codes,
            _NONE if quantity is None else quantity,
            _NONE if price is None else price,
            _NONE if amount is None else amount,
        )


def stored(text: str) -> str:
    """A text as the log gives it back."""
    return text.encode("utf-8", "replace").replace(b"\0", b"").decode()


def split(customers: Any, packed: Any) -> dict[int, bytes]:
    """Rows by customer; `customers` says whose each is."""
    if not len(packed):
        return {}
    order = np.argsort(customers, kind="stable")
    whose = customers[order]
    data = packed[order].tobytes()
    ids, starts = np.unique(whose, return_index=True)
    ends = np.append(starts[1:], len(whose))
    width = packed.dtype.itemsize
    return {
        id: data[start * width : end * width]
        for id, start, end in zip(ids.tolist(), starts.tolist(), ends.tolist(), strict=True)
    }


def joined(histories: Mapping[int, Kept]) -> Part:
    """Many histories as one."""
    ids = np.fromiter(histories, np.int64, len(histories))
    return Part(
        *_joined(ids, [kept.rows for kept in histories.values()], ROW),
        *_joined(ids, [kept.lines for kept in histories.values()], LINE),
    )


def _joined(ids: Any, parts: list[bytes], dtype: np.dtype[Any]) -> tuple[Any, Any]:
    counts = np.fromiter(map(len, parts), np.int64, len(parts)) // dtype.itemsize
    return np.repeat(ids, counts), np.frombuffer(b"".join(parts), dtype)


def _since(reading: Reading | None, now: datetime) -> datetime | None:
    return None if reading is None else reading.since(now)


def _size(kept: Kept) -> int:
    return len(kept.rows) + len(kept.lines) + BESIDE


_PLACE = {name: place for place, name in enumerate(TEXTS)}
