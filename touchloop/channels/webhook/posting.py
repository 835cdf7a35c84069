"""One signed POST to a judged address: bounded in time and size, no redirects, nothing read back.

Signed as Standard Webhooks say: `id.timestamp.body` by HMAC-SHA256, with both keys while they are
being changed.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from functools import cache
from typing import Final, Literal, NamedTuple

from standardwebhooks.webhooks import Webhook

from touchloop.channels.webhook.guard import NOWHERE, Place, Target, judged
from touchloop.core.errors import Invalid, Unavailable
from touchloop.core.version import version

SECONDS: Final = 5.0
MOST_SENT: Final = 64 * 1024
MOST_READ: Final = 64 * 1024

Word = Literal["handed", "temporary", "refused", "uncertain"]


class Posted(NamedTuple):
    """What became of a POST; never what the other side wrote."""

    word: Word
    reason: str


def post(
    url: str,
    body: str,
    *,
    message_id: str,
    secrets: Sequence[str],
    now: datetime,
    allow: frozenset[Place] = NOWHERE,
) -> Posted:
    """Send one message; never raises for what the other side does."""
    deadline = time.monotonic() + SECONDS
    data = body.encode()
    if len(data) > MOST_SENT:
        return Posted("refused", "too_large")
    try:
        target = judged(url, timeout=SECONDS, allow=allow)
    except Invalid:
        return Posted("refused", "address_not_allowed")
    except Unavailable:
        return Posted("temporary", "not_resolved")
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"Touchloop/{version()}",
        "Connection": "close",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signatures(body, message_id=message_id, secrets=secrets, now=now),
    }
    try:
        line = _connected(target, deadline)
    except ssl.SSLError:
        return Posted("temporary", "tls_failed")
    except OSError:
        return Posted("temporary", "not_connected")
    with closing(line):
        return _exchange(line, target, data, headers, deadline)


def signatures(body: str, *, message_id: str, secrets: Sequence[str], now: datetime) -> str:
    """The value of `webhook-signature`: one signature for each key, with spaces between."""
    return " ".join(
        Webhook(secret).sign(msg_id=message_id, timestamp=now, data=body) for secret in secrets
    )


def _connected(target: Target, deadline: float) -> socket.socket:
    """Connect to the very address that was judged, under the name that was asked for."""
    line = socket.socket(target.family, socket.SOCK_STREAM)
    try:
        line.settimeout(_left(deadline))
        line.connect((target.address, target.port))
        if target.scheme == "https":
            line.settimeout(_left(deadline))
            return _tls().wrap_socket(line, server_hostname=target.host)
    except BaseException:
        line.close()
        raise
    return line


def _exchange(
    line: socket.socket, target: Target, data: bytes, headers: dict[str, str], deadline: float
) -> Posted:
    """Once bytes have left, only an answer tells whether they were taken."""
    name = f"[{target.host}]" if ":" in target.host else target.host
    connection = http.client.HTTPConnection(name, target.port)
    connection.default_port = {"https": 443, "http": 80}[target.scheme]
    connection.sock = line
    try:
        line.settimeout(_left(deadline))
        connection.request("POST", target.path, body=data, headers=headers)
        answer = http.client.HTTPResponse(_Bounded(line, deadline), method="POST")  # type: ignore[arg-type]
        answer.begin()
    except (OSError, http.client.HTTPException, ValueError):
        return Posted("uncertain", "no_answer")
    return _said(answer.status)


def _said(status: int) -> Posted:
    if 200 <= status < 300:
        return Posted("handed", "")
    if 300 <= status < 400:
        return Posted("refused", "redirect")
    if status in (408, 425, 429) or status >= 500:
        return Posted("temporary", f"status_{status}")
    return Posted("refused", f"status_{status}")


class _Bounded(io.RawIOBase):
    """What http.client reads an answer from: at most so many bytes, until the deadline."""

    def __init__(self, line: socket.socket, deadline: float) -> None:
        super().__init__()
        self._line, self._deadline, self._most = line, deadline, MOST_READ

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(self, 1024)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        if self._most <= 0:
            raise OSError("the answer is too long")
        self._line.settimeout(_left(self._deadline))
        n = self._line.recv_into(buffer, min(len(buffer), self._most))
        self._most -= n
        return n


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("the time is up")
    return left


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
