"""DKIM (RFC 6376, RFC 8463): one hash of the body, one signature, relaxed/simple.

dkimpy signs in pure Python and parses the message again; here the headers are known. That the
outcome is what dkimpy verifies is a test.
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from touchloop.channels.email.mime import Headers
from touchloop.core import settings
from touchloop.core.errors import WrongSetting

SMALLEST_RSA = 2048
# Those of them that a message has; both list headers, as RFC 8058 demands. From twice: none may
# be added.
SIGNED: Final = (
    "from", "to", "reply-to", "subject", "date", "message-id", "list-id", "list-unsubscribe",
    "list-unsubscribe-post", "feedback-id", "mime-version", "content-type",
)  # fmt: skip
_SPACES: Final = re.compile(r"[ \t]+")


@dataclass(frozen=True, slots=True)
class Signer:
    """A key, and where its public half stands in the DNS: selector._domainkey.domain."""

    domain: str
    selector: str
    key: RSAPrivateKey | Ed25519PrivateKey

    def header(self, headers: Headers, body: bytes, *, at: int) -> bytes:
        """The DKIM-Signature field for a message; `at` is in seconds since 1970."""
        canonical = {
            name.lower(): f"{name.lower()}:{_relaxed(value)}\r\n" for name, value in headers.fields
        }
        covered = [name for name in SIGNED if name in canonical]
        rsa = isinstance(self.key, RSAPrivateKey)
        digest = b64encode(sha256(body).digest()).decode()
        first = (
            f"v=1; a={'rsa' if rsa else 'ed25519'}-sha256; c=relaxed/simple; d={self.domain};"
            f" s={self.selector}; t={at};"
        )
        second, third = f"h={':'.join([*covered, 'from'])};", f"bh={digest};"
        signed = "".join([canonical[name] for name in covered])
        signed += f"dkim-signature:{first} {second} {third} b="
        proof = b64encode(self._sign(signed.encode("ascii"))).decode()
        lines = "\r\n ".join([proof[at : at + 70] for at in range(0, len(proof), 70)])
        return (
            f"DKIM-Signature: {first}\r\n {second}\r\n {third}\r\n b={lines}\r\n"
        ).encode("ascii")  # fmt: skip

    def _sign(self, signed: bytes) -> bytes:
        if isinstance(self.key, RSAPrivateKey):
            return self.key.sign(signed, PKCS1v15(), SHA256())
        return self.key.sign(sha256(signed).digest())  # RFC 8463: the hash is what is signed


def signer() -> Signer | None:
    """The signer of the settings; None when none is set. Raises WrongSetting."""
    given = settings.dkim()
    return _loaded(*given) if given else None


@lru_cache(maxsize=8)
def _loaded(domain: str, selector: str, key: str) -> Signer:
    try:
        pem = key if "-----BEGIN" in key else Path(key).expanduser().read_text()
        loaded = load_pem_private_key(pem.encode(), password=None)
    except OSError as error:
        raise WrongSetting(
            f"TOUCHLOOP_DKIM_KEY: cannot read the file ({error.strerror})"
        ) from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise WrongSetting(
            "TOUCHLOOP_DKIM_KEY must be a private key in PEM form without a password"
        ) from error
    if isinstance(loaded, RSAPrivateKey):
        if loaded.key_size < SMALLEST_RSA:
            raise WrongSetting(f"TOUCHLOOP_DKIM_KEY: RSA keys need {SMALLEST_RSA} bits or more")
        return Signer(domain, selector, loaded)
    if isinstance(loaded, Ed25519PrivateKey):
        return Signer(domain, selector, loaded)
    raise WrongSetting("TOUCHLOOP_DKIM_KEY must be an RSA or an Ed25519 key")


def _relaxed(value: str) -> str:
    return _SPACES.sub(" ", value.replace("\r\n", "")).strip()
