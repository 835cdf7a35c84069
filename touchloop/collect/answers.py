"""What the door answers."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import msgspec

from touchloop.collect.connection import Headers

# Codes whose messages are gone for good: clients drop what was refused with them.
PERMANENT = frozenset({400, 413})


@dataclass(frozen=True, slots=True)
class Answer:
    """A status with a body; `retry_after` is in whole seconds."""

    status: int
    body: bytes
    content_type: str = "application/json"
    retry_after: int | None = None


class Refused(Exception):
    """The request ends here, with this answer. `messages` were in it, as far as is known."""

    def __init__(self, answer: Answer, *, messages: int = 1) -> None:
        super().__init__(answer.status)
        self.answer = answer
        self.messages = messages


def refuse(
    status: int, code: str, message: str, *, retry_after: int | None = None, messages: int = 1
) -> Refused:
    """An error with the two fields that Segment's clients read and the one of RudderStack's."""
    body = {"code": code, "message": message, "msg": message, "success": False}
    return Refused(
        Answer(status, msgspec.json.encode(body), retry_after=retry_after), messages=messages
    )


def later(code: str, message: str, *, status: int = 503, retry_after: int = 1) -> Refused:
    """Not now: nothing was kept, and the client should send it again."""
    return refuse(status, code, message, retry_after=retry_after)


def headers(answer: Answer, origin: str | None, *, method: str = "POST") -> Headers:
    """Any page may send here: what it sends is public, and it can read nothing.

    A browser that hears of Basic asks the visitor of the shop for a password; so it does not.
    """
    if answer is ACCEPTED and origin is None:
        return _PLAIN
    fields = [("content-type", answer.content_type), *cross_origin(origin)]
    if answer.retry_after is not None:
        seconds = str(answer.retry_after)
        fields += [("retry-after", seconds), ("x-ratelimit-reset", seconds)]
    if answer.status == 401 and origin is None and method != "GET":
        fields.append(("www-authenticate", 'Basic realm="write key"'))
    return tuple(fields)


def cross_origin(origin: str | None) -> Headers:
    if origin is None:
        return (("access-control-allow-origin", "*"),)
    return (
        ("access-control-allow-origin", origin),
        ("access-control-allow-credentials", "true"),
        ("access-control-expose-headers", "retry-after, x-ratelimit-reset"),
        ("vary", "origin"),
    )


def preflight(origin: str | None, asked: str | None) -> Headers:
    """Whatever headers the page asks for, besides those that the known clients send."""
    allowed = "authorization, content-type, content-encoding, x-retry-count, x-write-key"
    return (
        *cross_origin(origin),
        ("access-control-allow-methods", "GET, POST, OPTIONS"),
        ("access-control-allow-headers", f"{allowed}, {asked}" if asked else allowed),
        ("access-control-max-age", "86400"),
    )


ACCEPTED = Answer(200, b'{"success":true}')
GIF = Answer(  # one transparent point
    200,
    base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"),
    "image/gif",
)
_PLAIN: Headers = (
    ("content-type", "application/json"),
    ("access-control-allow-origin", "*"),
)
