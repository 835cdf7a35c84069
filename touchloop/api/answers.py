"""What the programs' door answers: a decision, or an error as {code, message}."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from touchloop.collect.connection import Headers


@dataclass(frozen=True, slots=True)
class Answer:
    """A status with a JSON body; `retry_after` is in whole seconds."""

    status: int
    body: bytes
    retry_after: int | None = None


class Refused(Exception):
    """The request ends here, with this answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def refuse(
    status: int, code: str, message: str, *, field: str = "", retry_after: int | None = None
) -> Refused:
    """An error; `field` names the part of the body that is wrong."""
    body = {"code": code, "message": message} | ({"field": field} if field else {})
    return Refused(Answer(status, msgspec.json.encode(body), retry_after))


def headers(answer: Answer) -> Headers:
    """Answers are for the one program that asked: nothing keeps them on the way."""
    if answer.status == 200:
        return _PLAIN
    found = [*_PLAIN]
    if answer.retry_after is not None:
        found.append(("retry-after", str(answer.retry_after)))
    if answer.status == 401:
        found.append(("www-authenticate", 'Bearer realm="secret key"'))
    return tuple(found)


_PLAIN = (("content-type", "application/json"), ("cache-control", "no-store"))
