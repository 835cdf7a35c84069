"""What is found out about each customer: bits of conditions, and the next instant of change."""

from __future__ import annotations

import numpy as np

from touchloop.insight.segments.arrays.columns import Array, Ints, Mask
from touchloop.insight.segments.deciding import WORD

NEVER = np.iinfo(np.int64).max


class Decisions:
    """Words of bits, as `deciding` compares them, and `due`, NEVER where nothing is awaited."""

    def __init__(self, size: int, words: int, now: int) -> None:
        self.now = now
        self.words = [np.zeros(size, np.int64) for _ in range(words)]
        self.due: Ints = np.full(size, NEVER)

    def set_all(self, numbers: Ints, differs: Mask) -> None:
        """Set the bits of conditions, a row each, for whom they differ from what nothing says."""
        for word in np.unique(numbers // WORD).tolist():
            mine = numbers // WORD == word
            bits = np.left_shift(1, numbers[mine] % WORD)
            found = np.where(differs[mine], bits[:, None], 0)
            self.words[word] |= np.bitwise_or.reduce(found, axis=0)

    def set(self, number: int, differs: Mask) -> None:
        """Set the bit of one condition."""
        word, bit = divmod(number, WORD)
        self.words[word] |= differs.astype(np.int64) << bit

    def wake(self, at: Array, asked: Mask) -> None:
        """Look again at an instant, where it is asked for and still to come; in rows, or one."""
        found = np.where(asked & (at > self.now), at, NEVER)
        np.minimum(self.due, found if found.ndim == 1 else found.min(axis=0), out=self.due)
