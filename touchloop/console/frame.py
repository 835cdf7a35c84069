"""What the frame around every page shows: rail, me, theme, what waits."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language_bidi
from django.utils.translation import gettext as _

from touchloop.console import nav, organisation
from touchloop.core.access import Permission, allows
from touchloop.core.accounts.api import Person
from touchloop.core.accounts.models import Role, Theme


def context(request: HttpRequest) -> dict[str, Any]:
    """Context of every template; small where nobody is signed in."""
    actor: Person | None = getattr(request, "actor", None)
    shared = {
        "actor": actor,
        "house": organisation.current(),
        "csp_nonce": getattr(request, "csp_nonce", ""),
        "direction": "rtl" if get_language_bidi() else "ltr",
        "theme": actor.theme if actor else Theme.SYSTEM,
    }
    if actor is None:
        return shared
    groups = nav.rail(actor, path=request.path)
    foot = nav.settings_link(actor, path=request.path)
    links = [link for _label, links in groups for link in links] + ([foot] if foot else [])
    return {
        **shared,
        "rail": groups,
        "rail_settings": foot,
        "crumbs": [(_("My sign-in"), "")] if _own_sign_in(request) else [],
        "room": next((link for link in links if link.here), None),
        "rail_folded": request.COOKIES.get("rail") == "folded",
        "waiting": [link for link in links if link.waiting],
        "waiting_total": sum(link.waiting for link in links),
        "role_word": Role(actor.role).label,
        "themes": Theme.choices,
        "languages": settings.LANGUAGES,
        "may": {permission.name.lower(): allows(actor, permission) for permission in Permission},
    }


def _own_sign_in(request: HttpRequest) -> bool:
    """Pages of allauth, whose views cannot say where they are."""
    found = request.resolver_match
    return bool(found and (found.url_name or "").startswith(("mfa_", "account_")))
