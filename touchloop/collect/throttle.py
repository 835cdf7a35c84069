"""A bucket of tokens for each source: messages a second, with one second's worth in hand."""

from __future__ import annotations

import math
import time


class Throttle:
    """`wait` is 0 when the messages may pass, else the whole seconds until they may."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._left: dict[int, int] = {}
        self._filled: dict[int, float] = {}

    def wait(self, source_id: int, messages: int) -> int:
        """The clock is only looked at when the bucket is empty."""
        left = self._left.get(source_id, self._rate) - messages
        if left < 0:
            return self._refill(source_id, messages)
        self._left[source_id] = left
        return 0

    def _refill(self, source_id: int, messages: int) -> int:
        now = time.monotonic()
        since = now - self._filled.get(source_id, float("-inf"))
        left = self._left.get(source_id, self._rate)
        full = min(float(self._rate), left + since * self._rate)
        if messages > full and full < self._rate:  # more than a full bucket passes a full one
            return max(1, math.ceil((min(messages, self._rate) - full) / self._rate))
        self._filled[source_id] = now
        self._left[source_id] = max(0, int(full) - messages)
        return 0
