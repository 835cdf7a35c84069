"""Who is at the other end of the connection, and what their browser asks of us."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence

from touchloop.core.proxies import Network, caller


def address(client: str, headers: Mapping[str, str], *, proxies: Sequence[Network]) -> str | None:
    """The caller's address; what a header says is only believed of a listed proxy."""
    found = caller(client, headers.get("x-forwarded-for") or "", proxies=proxies)
    return _shortened(found, headers.get("x-ip-policy"))


def opted_out(said: str) -> bool:
    """Global Privacy Control: exactly `1`, also when several headers were joined by commas."""
    return any(word.strip(" \t") == "1" for word in said.split(","))


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
