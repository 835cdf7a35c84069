"""Who is at the other end, when proxies stand between."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from touchloop.core import settings
from touchloop.core.errors import WrongSetting

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def trusted() -> tuple[Network, ...]:
    """TOUCHLOOP_TRUSTED_PROXIES: the addresses and networks whose X-Forwarded-For is believed."""
    try:
        return tuple(
            ipaddress.ip_network(word) for word in settings.words("TOUCHLOOP_TRUSTED_PROXIES", [])
        )
    except ValueError as error:
        raise WrongSetting(
            f"TOUCHLOOP_TRUSTED_PROXIES must be addresses or networks: {error}"
        ) from error


def caller(direct: str, forwarded: str, *, proxies: Sequence[Network]) -> str:
    """The nearest address that is no listed proxy; what a header says is only believed of one."""
    if not proxies or not _listed(direct, proxies):
        return direct
    hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
    for hop in reversed(hops):
        if not _listed(hop, proxies):
            return hop
    return direct


def _listed(text: str, proxies: Sequence[Network]) -> bool:
    try:
        host = ipaddress.ip_address(text)
    except ValueError:
        return False
    return any(host in network for network in proxies)
