"""What waits for a person, counted a few times a minute at most: it stands on every page."""

from __future__ import annotations

from collections.abc import Callable

from django.core.cache import cache

from touchloop.console import database
from touchloop.core import access
from touchloop.core.access import Actor, Permission
from touchloop.identity import api as identity
from touchloop.interactions import api as interactions
from touchloop.records.cases import api as records

KEPT_SECONDS = 5


def held(_actor: Actor | None = None) -> int:
    """Messages set aside that nobody has decided on."""
    return _kept("needs.held", lambda: sum(interactions.count_held(database.here()).values()))


def suggestions(_actor: Actor | None = None) -> int:
    """Merges to decide."""
    return _kept("needs.suggestions", lambda: identity.count_suggestions(database.here()))


def cases(actor: Actor) -> int:
    """Open cases that are this person's own or nobody's; none for whoever may not work on them."""
    if not access.allows(actor, Permission.CASES_WORK):
        return 0
    seen = access.scope(actor)
    locations = None if seen.everybody else frozenset(seen.locations)

    def count() -> int:
        mine = records.Filter(states=("open",), owner_id=actor.id)
        nobodys = records.Filter(states=("open",), unowned=True)
        conn = database.here()
        return sum(records.count(conn, where=w, locations=locations) for w in (mine, nobodys))

    return _kept(f"needs.cases.{actor.id}", count)


def _kept(key: str, count: Callable[[], int]) -> int:
    known: int | None = cache.get(key)
    if known is None:
        known = count()
        cache.set(key, known, KEPT_SECONDS)
    return known
