from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchloop.collect.signature import sign, verify
from touchloop.collect.tests.conftest import Served, messages, records
from touchloop.interactions import api as interactions
from touchloop.interactions.api import Source

LATER = int(time.time()) + 3_600


@pytest.fixture
def signed(source: Source) -> Source:
    return interactions.update(source.id, require_signature=True)


@given(st.text(), st.text(min_size=1))
def test_a_signature_is_its_users_alone(user: str, secret: str) -> None:
    proof = sign(secret, user, expires=100)
    assert verify(secret, user, proof, now=99)
    assert not verify(secret, user, proof, now=100)
    assert not verify(secret, user + "x", proof, now=99)
    assert not verify(secret + "x", user, proof, now=99)


@given(st.text())
def test_nothing_else_passes(given_text: str) -> None:
    assert not verify("secret", "user", given_text, now=0)
    assert not verify("", "user", sign("", "user", expires=9), now=0)
    assert not verify("secret", "user", None, now=0)


def track(user: str | None, **context: Any) -> dict[str, Any]:
    return {"event": "E", "type": "track", "userId": user, "anonymousId": "a", "context": context}


def test_what_is_not_signed_does_not_come_in(door: Served, signed: Source) -> None:
    proof = sign(signed.signing_secret, "u1", expires=LATER)
    stale = sign(signed.signing_secret, "u1", expires=int(time.time()) - 1)
    forged = sign("guess", "u1", expires=LATER)
    key = signed.write_key
    for message in (
        track("u1"),
        track("u1", signature=stale),
        track("u1", signature=forged),
        track("u2", signature=proof),
        track("u1", signature={"v": proof}),
        track(None, externalIds=[{"type": "user_id", "id": "u1"}]),
        track("u1", signature=proof, externalIds=[{"type": "user_id", "id": "u2"}]),
    ):
        reply = door.send("/v1/track", message, key=key)
        assert (reply.status, reply.json["code"]) == (401, "bad_signature")
    assert records() == []
    assert door.send("/v1/track", track("u1", signature=proof), key=key).status == 200
    headers = {"X-Signature": proof}
    assert door.send("/v1/track", track("u1"), key=key, headers=headers).status == 200
    assert door.send("/v1/track", track(None), key=key).status == 200
    assert len(messages()) == 3


def test_an_alias_needs_the_proof_of_both(door: Served, signed: Source) -> None:
    secret, key = signed.signing_secret, signed.write_key
    alias = {"userId": "u1", "previousId": "victim"}
    proof = {"signature": sign(secret, "u1", expires=LATER)}
    both = proof | {"previousSignature": sign(secret, "victim", expires=LATER)}
    assert door.send("/v1/alias", alias | {"context": proof}, key=key).status == 401
    assert door.send("/v1/alias", alias | {"context": both}, key=key).status == 200


def test_a_batch_loses_only_what_is_not_signed(door: Served, signed: Source) -> None:
    proof = sign(signed.signing_secret, "u1", expires=LATER)
    batch = [track("u1", signature=proof), track("u2", signature=proof), track(None)]
    assert door.send("/v1/batch", {"batch": batch}, key=signed.write_key).status == 200
    assert [message.user_id for message in messages()] == ["u1", ""]
