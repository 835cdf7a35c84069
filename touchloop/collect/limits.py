"""How much the door takes at once, and from whom."""

from __future__ import annotations

from dataclasses import dataclass

from touchloop.core import proxies, settings
from touchloop.core.proxies import Network


@dataclass(frozen=True, slots=True)
class Limits:
    """All of them have defaults that suit one machine."""

    body: int = 500 * 1024  # of one request, also after inflating it
    foreign_body: int = 4_000 * 1024  # of a request of another protocol, whose clients send more
    block_messages: int = 2_500
    block_bytes: int = 1_000_000
    many_requests: int = 32  # in one block: so busy a door holds the next one open for more
    hold_seconds: float = 0.003  # from the taking of that block on
    waiting_messages: int = 100_000  # accepted into memory, not yet committed
    waiting_bytes: int = 64 * 1024 * 1024
    source_rate: int = 250_000  # messages a second of one source
    connections: int = 2  # that write blocks
    commit_seconds: float = 15.0  # for one block, after which its outcome counts as unknown
    refresh_seconds: float = 2.0  # age at which the list of sources is read again
    synchronous_commit: bool = True  # False loses data in a crash; the crash test proves it
    trusted_proxies: tuple[Network, ...] = ()


def read() -> Limits:
    """From the settings. Raises WrongSetting."""
    return Limits(
        waiting_messages=settings.number("TOUCHLOOP_COLLECT_WAITING", 100_000, least=1),
        waiting_bytes=settings.number("TOUCHLOOP_COLLECT_WAITING_BYTES", 64 << 20, least=1024),
        source_rate=settings.number("TOUCHLOOP_COLLECT_SOURCE_RATE", 250_000, least=1),
        connections=settings.number("TOUCHLOOP_COLLECT_CONNECTIONS", 2, least=1),
        synchronous_commit=settings.flag("TOUCHLOOP_COLLECT_SYNCHRONOUS_COMMIT", True),
        trusted_proxies=proxies.trusted(),
    )
