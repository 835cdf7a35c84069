"""Requests forged through us: every address case of the checklist, at each door."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

import pytest

from touchloop.channels.webhook import guard
from touchloop.channels.webhook.guard import is_public, judged
from touchloop.core.errors import Invalid, Unavailable

# What a name resolves to is what counts, so the cases are addresses first.
INTERNAL = [
    "127.0.0.1", "127.1.2.3", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1",
    "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1",  # mapped
    "::7f00:1", "::a9fe:a9fe",  # compatible, given up long ago
    "2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:c0a8:101::",  # 6to4
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b::a00:1", "64:ff9b:1::a00:1",  # NAT64
    "2001:0:7f00:1:0:0:8080:8080",  # Teredo with a server inside
    "2001:0:4136:e378:8000:63bf:80ff:fffe",  # Teredo with the client 127.0.0.1 inside
    "2600::5efe:7f00:1", "2600::200:5efe:a00:1",  # ISATAP
    "fec0::1", "3fff::1", "5f00::1",  # whatever this Python knows of them
]  # fmt: skip
PUBLIC = ["8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", INTERNAL)
def test_an_internal_address_is_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        # written so that only the resolver sees loopback in it
        "http://0177.0.0.1/", "http://2130706433/", "http://0x7f.1/", "http://0x7f000001/",
        "http://127.1/", "http://127.000.000.001/", "http://１２７.0.0.1/", "http://①②⑦.⓪.⓪.①/",
        "http://localhost/", "http://localhost./", "http://LOCALHOST/", "http://0/",
        "http://[::]/", "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/",
        "http://[64:ff9b::a9fe:a9fe]/", "http://[2002:7f00:1::]/", "http://[fe80::1%25lo]/",
        "http://169.254.169.254/latest/meta-data/", "http://100.64.0.1/", "http://224.0.0.1/",
        # names and passwords, fragments, and signs that parsers read differently
        "http://user:pass@8.8.8.8/", "http://8.8.8.8@127.0.0.1/", "http://@8.8.8.8/",
        "http://8.8.8.8#@127.0.0.1/", "http://8.8.8.8/#", "http://8.8.8.8\\@127.0.0.1/",
        "http:\\\\127.0.0.1/", "http://8.8.8.8/\r\nX-Injected: 1", "http://8.8.8.8/ x",
        "http://8.8.8.8\t/", "\nhttp://8.8.8.8/", "http://8.8.8.8/ü", "http://8.8.8.8/\x00",
        # other schemes and ports
        "file:///etc/passwd", "gopher://8.8.8.8/", "ftp://8.8.8.8/", "//8.8.8.8/", "8.8.8.8",
        "javascript:alert(1)", "dict://8.8.8.8:11211/", "", "http://", "http:///x",
        "http://8.8.8.8:22/", "http://8.8.8.8:8080/", "https://8.8.8.8:5432/",
        "http://8.8.8.8:99999/", "http://8.8.8.8:x/", "http://[::1", "http://a..b/",
        "http://" + "a" * 64 + ".example/", "http://8.8.8.8/" + "a" * 3000,
    ],
)  # fmt: skip
def test_an_address_of_the_checklist_is_refused(url: str) -> None:
    with pytest.raises((Invalid, Unavailable)):
        judged(url, timeout=5)


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("http://8.8.8.8", "8.8.8.8", 80, "/"),
        ("https://8.8.8.8/a/b?c=d", "8.8.8.8", 443, "/a/b?c=d"),
        ("https://8.8.8.8:80/", "8.8.8.8", 80, "/"),
        ("https://[2606:4700:4700::1111]/x", "2606:4700:4700::1111", 443, "/x"),
    ],
)
def test_a_public_address_is_taken_apart(url: str, host: str, port: int, path: str) -> None:
    target = judged(url, timeout=5)
    assert (target.host, target.port, target.path, target.address) == (host, port, path, host)


def _answers(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        return [
            (socket.AF_INET6 if ":" in one else socket.AF_INET, 1, 6, "", (one, port))
            for one in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


def test_a_name_that_leads_inside_is_refused_however_it_is_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also a CNAME to an internal name: what counts is where it ends."""
    for inside in ("10.0.0.7", "::ffff:10.0.0.7", "64:ff9b::a00:7"):
        _answers(monkeypatch, inside)
        with pytest.raises(Invalid):
            judged("https://hooks.example.com/", timeout=5)


def test_one_internal_address_spoils_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    _answers(monkeypatch, "93.184.216.34", "127.0.0.1")
    with pytest.raises(Invalid):
        judged("https://hooks.example.com/", timeout=5)


def test_the_judged_address_is_the_one_to_connect_to(monkeypatch: pytest.MonkeyPatch) -> None:
    _answers(monkeypatch, "93.184.216.34", "93.184.216.35")
    target = judged("https://Bücher.example.:443/", timeout=5)
    assert (target.address, target.host) == ("93.184.216.34", "xn--bcher-kva.example")


def test_our_own_door_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOUCHLOOP_URL", "https://crm.example.com")
    _answers(monkeypatch, "93.184.216.34")
    with pytest.raises(Invalid):
        judged("https://crm.example.com/hook", timeout=5)
    assert judged("https://other.example.com/hook", timeout=5)


def test_a_name_that_does_not_resolve_in_time_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    let_go = threading.Event()

    def hang(*_: Any, **__: Any) -> list[Any]:
        let_go.wait(10)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    with pytest.raises(Unavailable):
        judged("https://slow.example.com/", timeout=0.05)
    let_go.set()
    assert frozenset() == guard.NOWHERE
