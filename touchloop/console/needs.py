"""What waits for a person, counted a few times a minute at most: it stands on every page."""

from __future__ import annotations

from collections.abc import Callable

from django.core.cache import cache

from touchloop.console import database
from touchloop.identity import api as identity
from touchloop.interactions import api as interactions

KEPT_SECONDS = 5


def held() -> int:
    """Messages set aside that nobody has decided on."""
    return _kept("needs.held", lambda: sum(interactions.count_held(database.here()).values()))


def suggestions() -> int:
    """Merges to decide."""
    return _kept("needs.suggestions", lambda: identity.count_suggestions(database.here()))


def _kept(key: str, count: Callable[[], int]) -> int:
    known: int | None = cache.get(key)
    if known is None:
        known = count()
        cache.set(key, known, KEPT_SECONDS)
    return known
