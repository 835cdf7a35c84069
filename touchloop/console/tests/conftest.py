"""People of every role, signed in."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.cache import cache
from django.test import Client

from touchloop.console import build
from touchloop.core.accounts import api as accounts
from touchloop.core.accounts.models import Role, Staff

ROLES = tuple(Role.values)


@pytest.fixture(scope="session", autouse=True)
def built() -> None:
    """The pages name the built files."""
    build.build()


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    cache.clear()


@pytest.fixture
def sign_in(db: None) -> Callable[[str], Client]:
    """A browser of somebody in this role."""

    def signed_in(role: str) -> Client:
        email = f"{role}@example.com"
        if not Staff.objects.filter(email=email).exists():
            accounts.create_user(email, role, "a long enough password", name=role.title())
        client = Client()
        client.force_login(Staff.objects.get(email=email))
        return client

    return signed_in


@pytest.fixture
def admin(sign_in: Callable[[str], Client]) -> Client:
    return sign_in("admin")
