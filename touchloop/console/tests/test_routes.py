"""Every route names its permission, and the policy holds on every route for every role."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from touchloop.console.tests.conftest import ROLES
from touchloop.core.access import ROLES as POLICY
from touchloop.core.access import Permission

# Sign-in itself, and one's own passkeys and codes: allauth guards them, for whoever is signed in.
ALLAUTH = ("account_", "mfa_")
OTHER_DOORS = ("c/", "v1/")
DUMMIES = {
    "int": "987654321",
    "str": "none",
    "slug": "none",
    "uuid": str(UUID(int=0)),
    "path": "none",
}


def routes(
    patterns: list[URLPattern | URLResolver], prefix: str = ""
) -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, path)
        else:
            yield path, pattern


def own_routes() -> list[tuple[str, URLPattern]]:
    """Those of the console: customers and programs have doors of their own, with other keys."""
    found = routes(get_resolver().url_patterns)
    return [
        (path, p)
        for path, p in found
        if not (p.name or "").startswith(ALLAUTH) and not path.startswith(OTHER_DOORS)
    ]


def permission_of(pattern: URLPattern) -> Permission:
    named: Permission = getattr(pattern.callback, "permission")  # noqa: B009
    return named


def address(path: str) -> str:
    for kind, value in DUMMIES.items():
        while f"<{kind}:" in path:
            start = path.index(f"<{kind}:")
            path = path[:start] + value + path[path.index(">", start) + 1 :]
    assert "<" not in path, path
    return "/" + path


def test_what_lies_behind_other_doors_is_not_the_consoles() -> None:
    rooms = {
        p.callback.__module__.split(".")[1]
        for path, p in routes(get_resolver().url_patterns)
        if path.startswith(OTHER_DOORS)
    }
    assert rooms <= {"public", "api"}


def test_every_route_names_a_permission() -> None:
    nameless = [path for path, p in own_routes() if not hasattr(p.callback, "permission")]
    assert nameless == []
    assert {permission_of(p) for _path, p in own_routes()} <= set(Permission)


def test_there_are_routes() -> None:
    assert len(own_routes()) >= 20


def ask(client: Client, path: str) -> int:
    answer = client.get(address(path))
    if answer.status_code == 405:
        answer = client.post(address(path))
    return answer.status_code


@pytest.mark.django_db
def test_a_stranger_is_sent_to_sign_in_everywhere() -> None:
    client = Client()
    for path, _pattern in own_routes():
        answer = client.get(address(path))
        if answer.status_code == 405:
            answer = client.post(address(path))
        assert answer.status_code == 302, path
        assert answer["Location"].startswith("/sign-in/"), path


@pytest.mark.parametrize("role", ROLES)
def test_each_role_reaches_exactly_what_the_policy_says(
    role: str, sign_in: Callable[[str], Client]
) -> None:
    client = sign_in(role)
    for path, pattern in own_routes():
        status = ask(client, path)
        if permission_of(pattern) in POLICY[role]:
            assert status != 403, f"{role} is kept out of {path}"
            assert status < 500, f"{path} answers {status} to {role}"
        else:
            assert status == 403, f"{role} reaches {path}: {status}"


@pytest.mark.parametrize("role", ROLES)
def test_the_rail_offers_only_what_opens(role: str, sign_in: Callable[[str], Client]) -> None:
    client = sign_in(role)
    page = client.get("/settings/appearance/").content.decode()
    links = [part.split('"')[0] for part in page.split('class="rail-link" href="')[1:]]
    assert "/settings/" in links
    for link in links:
        assert client.get(link, follow=True).status_code == 200, link
