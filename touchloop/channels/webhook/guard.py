"""Where a request of ours may go: to addresses of the public Internet, and nowhere else.

Judging the text of an address is useless: `getaddrinfo` makes loopback of 0177.1, 2130706433 or
full-width digits. So the name is resolved, every address it has is unwrapped (an IPv6 address can
carry an IPv4 one) and must be global, and the connection goes to exactly the address that was
judged, under the original name. The same check runs when an address is saved, tried and used.
"""

from __future__ import annotations

import ipaddress
import socket
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from dataclasses import dataclass
from functools import cache
from typing import Final
from urllib.parse import SplitResult, urlsplit

from django.utils.translation import gettext as _

from touchloop.core import settings
from touchloop.core.errors import Invalid, Unavailable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Place = tuple[str, int]  # an address in its plain writing, and a port
PORTS: Final = {"https": 443, "http": 80}
LONGEST_URL: Final = 2_000
NOWHERE: Final[frozenset[Place]] = frozenset()

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_COMPATIBLE: Final = ipaddress.IPv6Network("::/96")
# Set apart by registries after the oldest Python that we run on was made, or long before it.
_APART: Final = tuple(
    ipaddress.IPv6Network(text)
    for text in ("64:ff9b:1::/48", "3fff::/20", "5f00::/16", "fec0::/10", "::ffff:0:0:0/96")
)
_ISATAP: Final = (0x5EFE, 0x02005EFE)  # the middle of an address that carries an IPv4 one


@dataclass(frozen=True, slots=True)
class Target:
    """A place that was judged: connect to `address`, speak to `host`."""

    scheme: str
    host: str
    port: int
    address: str
    family: int
    path: str


def judged(url: str, *, timeout: float, allow: frozenset[Place] = NOWHERE) -> Target:
    """Resolve and judge an address. Raises Invalid when nothing may be sent there, Unavailable when
    its name cannot be resolved now.

    `allow` names places that are allowed whatever they are; it is for tests, which have no other
    server than one on loopback.
    """
    parts = _parts(url)
    host = _host(parts)
    port = parts.port or PORTS[parts.scheme]
    found = _resolved(host, port, timeout)
    for _family, address in found:
        if (address, port) not in allow:
            if port not in PORTS.values():
                raise Invalid("url", _("only the ports 443 and 80 are allowed"))
            if host in _own_hosts() or not is_public(ipaddress.ip_address(address)):
                raise Invalid("url", _("this address is not on the public Internet"))
    family, address = found[0]
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port, address, family, path)


def is_public(address: Address) -> bool:
    """Whether an address, and every address it carries, is global and nobody's group."""
    return not any(address in network for network in _APART) and all(
        each.is_global and not each.is_multicast for each in (address, *_carried(address))
    )


def _carried(address: Address) -> list[ipaddress.IPv4Address]:
    """The IPv4 addresses inside of an IPv6 one: mapped, 6to4, Teredo, NAT64, and older ways."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address.sixtofour is not None:
        return [address.sixtofour]
    if address.teredo is not None:
        return list(address.teredo)
    number = int(address)
    if address in _NAT64 or address in _COMPATIBLE or (number >> 32) & 0xFFFFFFFF in _ISATAP:
        return [ipaddress.IPv4Address(number & 0xFFFFFFFF)]
    return []


def _parts(url: str) -> SplitResult:
    """The parts of an address that is written as one should be; nothing is cleaned silently."""
    if len(url) > LONGEST_URL or any(sign <= " " or sign in '\\<>"`\x7f' for sign in url):
        raise Invalid("url", _("write it like https://example.com/hook"))
    try:
        parts = urlsplit(url)
        _port = parts.port
    except ValueError as error:
        raise Invalid("url", _("write it like https://example.com/hook")) from error
    if parts.scheme not in PORTS or not parts.hostname:
        raise Invalid("url", _("write it like https://example.com/hook"))
    if "@" in parts.netloc:
        raise Invalid("url", _("leave name and password out of the address"))
    if parts.fragment or "#" in url:
        raise Invalid("url", _("leave out what follows the #"))
    if not (parts.path + parts.query).isascii():
        raise Invalid("url", _("write the path in ASCII, with %-signs"))
    return parts


def _host(parts: SplitResult) -> str:
    """The name as it goes over the wire: ASCII, without the dot at its end."""
    name = parts.hostname or ""
    if "%" in name:
        raise Invalid("url", _("this is no name of a host"))
    try:
        wire = name if ":" in name else name.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise Invalid("url", _("this is no name of a host")) from error
    wire = wire.rstrip(".").lower()
    if not wire or not all(sign.isalnum() or sign in "-.:_" for sign in wire):
        raise Invalid("url", _("this is no name of a host"))
    return wire


def _resolved(host: str, port: int, timeout: float) -> list[tuple[int, str]]:
    """Every address of the name; one that must not be used spoils the others."""
    asked: Future[list[tuple[int, str]]] = _resolvers().submit(_ask, host, port)
    try:
        found = asked.result(timeout)
    except (OSError, UnicodeError, TookTooLong) as error:
        raise Unavailable(f"{host} cannot be resolved") from error
    if not found:
        raise Unavailable(f"{host} has no address")
    return found


def _ask(host: str, port: int) -> list[tuple[int, str]]:
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, str(where[0]).partition("%")[0]) for family, _t, _p, _n, where in answers]


def _own_hosts() -> set[str]:
    """Our own doors: what is posted there would come back to us."""
    urls = (settings.public_url(), settings.collect_url())
    return {name for url in urls if (name := urlsplit(url).hostname)}


@cache
def _resolvers() -> ThreadPoolExecutor:
    """Resolving cannot be given a time limit, only be waited for no longer."""
    return ThreadPoolExecutor(max_workers=8, thread_name_prefix="resolve")
