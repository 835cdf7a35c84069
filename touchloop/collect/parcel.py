"""What every wire makes of a request: a body in Segment's shape, and whose it is."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec import Struct

from touchloop.collect.answers import ACCEPTED, Answer
from touchloop.collect.connection import Request


class Parcel(Struct, frozen=True, gc=False):
    """Messages of one request, in the form of a record's `type`, `body`, `ids` and `n`."""

    type: str | None
    body: bytes
    ids: list[str]
    n: int
    key: str | None = None  # the write key, where the body or the address has it


@dataclass(frozen=True, slots=True)
class Route:
    """A path of a wire. `read` raises Refused for what cannot be accepted."""

    wire: str
    read: Callable[[Request], Parcel]
    done: Answer = ACCEPTED
    foreign: bool = False  # not Segment's own protocol: its clients send larger bodies
    methods: frozenset[str] = field(default_factory=lambda: frozenset({"POST"}))


def message_id() -> str:
    """An id for a message that came without one, unique in all places and times."""
    return f"{_PREFIX}{next(_COUNTER):x}"


_PREFIX = f"tl-{secrets.token_hex(8)}-"
_COUNTER = itertools.count()
