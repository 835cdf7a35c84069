"""The bytes of a request, inflated and made clean within bounds."""

from __future__ import annotations

import re
import zlib

from touchloop.collect.answers import Refused, refuse

GZIP = b"\x1f\x8b"
ZLIB = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")  # no JSON text begins like these
BOM = b"\xef\xbb\xbf"


def inflate(body: bytes, *, limit: int) -> bytes:
    """Gzip and zlib are known by their first bytes, whatever the headers say."""
    if body[:2] == GZIP:
        return _inflated(body, zlib.MAX_WBITS | 16, limit)
    if body[:2] in ZLIB:
        return _inflated(body, zlib.MAX_WBITS, limit)
    return body


def clean(body: bytes) -> bytes:
    """Valid UTF-8 without a byte order mark, or Refused (400)."""
    if not body.isascii():
        if body.startswith(BOM):
            body = body[len(BOM) :]
        try:
            body.decode()
        except UnicodeDecodeError as error:
            raise refuse(400, "bad_utf8", f"the body is not UTF-8: {error.reason}") from None
    return body


def mend(body: bytes) -> bytes:
    """Half characters, as a browser writes a text that was cut within an emoji, become U+FFFD."""
    return _SURROGATES.sub(_mended, body)


def too_large(limit: int) -> Refused:
    return refuse(413, "too_large", f"a request has at most {limit} bytes, also when inflated")


def _inflated(body: bytes, window: int, limit: int) -> bytes:
    whole = b""
    try:
        while body:
            inflater = zlib.decompressobj(window)
            whole += inflater.decompress(body, limit + 1 - len(whole))
            if len(whole) > limit:
                raise too_large(limit)
            if not inflater.eof:
                raise refuse(400, "bad_gzip", "the compressed body ends too early")
            body = inflater.unused_data.lstrip(b"\0")
    except zlib.error:
        raise refuse(400, "bad_gzip", "the compressed body is broken") from None
    return whole


def _mended(match: re.Match[bytes]) -> bytes:
    lone = match.group("lone")
    return match.group(0) if lone is None else b"\\ufffd"


_HIGH, _LOW = rb"\\u[dD][89abAB][0-9a-fA-F]{2}", rb"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_SURROGATES = re.compile(
    rb"(?P<escaped>\\[^u])|(?P<pair>%b%b)|(?P<lone>%b|%b)" % (_HIGH, _LOW, _HIGH, _LOW)
)
