"""How sources are called and drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from touchloop.core import clock
from touchloop.interactions.api import Source


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of source that people may add."""

    value: str
    label: str | Promise
    words: str | Promise
    icon: str


KINDS = (
    Kind("web", _("Web shop"), _("Pages and carts, from the visitor's browser"), icon="globe"),
    Kind("till", _("Till"), _("Receipts from stores"), icon="store"),
    Kind("server", _("Server"), _("Orders and accounts from your own programs"), icon="server"),
    Kind("mobile", _("App"), _("Screens and taps from phones"), icon="smartphone"),
    Kind("call_centre", _("Call centre"), _("Calls and tickets"), icon="headset"),
)
OTHER = {
    "import": (_("File import"), "file-up"),
    "demo": (_("Demo data"), "flask-conical"),
    "system": (_("Touchloop itself"), "refresh-cw"),
}
QUIET_AFTER = timedelta(days=1)


def label(kind: str) -> str:
    for each in KINDS:
        if each.value == kind:
            return str(each.label)
    return str(OTHER[kind][0]) if kind in OTHER else kind


def state(source: Source) -> tuple[str, str]:
    """A word for how the source is, and its tone."""
    if not source.enabled:
        return str(_("switched off")), ""
    if source.last_seen_at is None:
        return str(_("waiting")), "engage"
    if clock.now() - source.last_seen_at > QUIET_AFTER:
        return str(_("quiet")), ""
    return str(_("receiving")), "experience"


def masked(key: str) -> str:
    return key[:6] + "…" + key[-2:]


def total(days: Mapping[str, list[int]] | None, outcome: str) -> int:
    return sum(days.get(outcome, [])) if days else 0
