"""People of every role, signed in."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY as METHODS
from allauth.account.internal.flows.login import (
    _AUTHENTICATION_METHODS_USER_SESSION_KEY as WHOSE,
)
from django.test import Client

from touchloop.console import build
from touchloop.core.accounts import api as accounts
from touchloop.core.accounts.models import Role, Staff

ROLES = tuple(Role.values)


@pytest.fixture(scope="session", autouse=True)
def built() -> None:
    """The pages name the built files."""
    build.build()


@pytest.fixture
def sign_in(db: None) -> Callable[[str], Client]:
    """A browser of somebody in this role, who has just signed in."""

    def signed_in(role: str) -> Client:
        email = f"{role}@example.com"
        if not Staff.objects.filter(email=email).exists():
            accounts.create_user(email, role, "a long enough password", name=role.title())
        client = Client()
        person = Staff.objects.get(email=email)
        client.force_login(person)
        session = client.session
        session[METHODS] = [{"method": "password", "at": time.time()}]
        session[WHOSE] = str(person.pk)
        session.save()
        return client

    return signed_in


@pytest.fixture
def admin(sign_in: Callable[[str], Client]) -> Client:
    return sign_in("admin")
