"""A bucket of tokens for each source: messages a second, with one second's worth in hand."""

from __future__ import annotations

import time


class Throttle:
    """`wait` is 0 when the messages may pass, else the whole seconds until they may."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._buckets: dict[int, tuple[float, float]] = {}  # source: (tokens, seen at)

    def wait(self, source_id: int, messages: int) -> int:
        now = time.monotonic()
        tokens, seen = self._buckets.get(source_id, (float(self._rate), now))
        tokens = min(float(self._rate), tokens + (now - seen) * self._rate)
        if messages <= tokens or tokens >= self._rate:  # a batch larger than the bucket passes once
            self._buckets[source_id] = (tokens - messages, now)
            return 0
        self._buckets[source_id] = (tokens, now)
        return max(1, -int((tokens - messages) // self._rate))
