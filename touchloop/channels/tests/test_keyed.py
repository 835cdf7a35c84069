"""Proofs under one key are the library's own."""

from __future__ import annotations

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchloop.channels.keyed import Keyed


@given(st.binary(max_size=64), st.binary(max_size=80), st.lists(st.binary(), max_size=4))
def test_each_digest_is_the_hmac(key: bytes, prefix: bytes, texts: list[bytes]) -> None:
    keyed = Keyed(key, prefix)
    assert [keyed.digest(text) for text in texts] == [
        hmac.digest(key, prefix + text, "sha256") for text in texts
    ]


def test_a_key_longer_than_a_block_is_refused() -> None:
    with pytest.raises(ValueError, match="64 bytes"):
        Keyed(b"k" * 65)
