"""Who is at the other end of the connection, and what their browser asks of us."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any

from touchloop.core.proxies import Network, caller


def address(client: str, headers: Any, *, proxies: Sequence[Network]) -> str | None:
    """The caller's address; what a header says is only believed of a listed proxy."""
    direct = client.rpartition(":")[0].strip("[]")
    found = caller(direct, headers.get("x-forwarded-for") or "", proxies=proxies)
    return _shortened(found, headers.get("x-ip-policy"))


def opted_out(headers: Any) -> bool:
    """Global Privacy Control: exactly `1`, also when several headers were joined by commas."""
    first = headers.get("sec-gpc")
    if first is None:
        return False
    values = [value for name, value in headers.items() if name == "sec-gpc"] or [first]
    return any(word.strip(" \t") == "1" for value in values for word in value.split(","))


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
