"""Who is at the other end of the connection, and what their browser asks of us."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any

from touchloop.collect.limits import Network


def address(client: str, headers: Any, *, proxies: Sequence[Network]) -> str | None:
    """The caller's address; what a header says is only believed of a listed proxy."""
    direct = client.rpartition(":")[0].strip("[]")
    if not proxies or not _listed(direct, proxies):
        return _shortened(direct, headers.get("x-ip-policy"))
    hops = [hop.strip() for hop in (headers.get("x-forwarded-for") or "").split(",") if hop.strip()]
    for hop in reversed(hops):
        if not _listed(hop, proxies):
            return _shortened(hop, headers.get("x-ip-policy"))
    return _shortened(direct, headers.get("x-ip-policy"))


def opted_out(headers: Any) -> bool:
    """Global Privacy Control: exactly `1`, also when several headers were joined by commas."""
    first = headers.get("sec-gpc")
    if first is None:
        return False
    values = [value for name, value in headers.items() if name == "sec-gpc"] or [first]
    return any(word.strip(" \t") == "1" for value in values for word in value.split(","))


def _listed(text: str, proxies: Sequence[Network]) -> bool:
    try:
        host = ipaddress.ip_address(text)
    except ValueError:
        return False
    return any(host in network for network in proxies)


def _shortened(text: str, policy: str | None) -> str | None:
    """As Jitsu's header X-IP-Policy asks."""
    try:
        host = ipaddress.ip_address(text)
    except ValueError:
        return None
    if policy == "remove":
        return None
    if policy == "stripLastOctet":
        bits = 24 if host.version == 4 else 64
        return str(ipaddress.ip_network(f"{host}/{bits}", strict=False).network_address)
    return str(host)
