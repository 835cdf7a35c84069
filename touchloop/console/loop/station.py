"""What a station of the loop shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from touchloop.console.loop.series import Series
from touchloop.console.ui import words


@dataclass(frozen=True, slots=True)
class Need:
    """What waits for a person."""

    words: str
    url: str


@dataclass(frozen=True, slots=True)
class Also:
    """A second figure of a station; `hatched` says that some of it is simulated."""

    words: str
    url: str = ""
    hatched: str = ""


@dataclass(frozen=True, slots=True)
class Station:
    """One place on the circle."""

    key: str
    label: str | Promise
    says: str
    icon: str
    tone: str
    figure: int | None = None
    unit: str = ""
    usual: str = ""
    trend: Sequence[int] = ()
    url: str = ""
    healthy: bool = True
    health: str = ""
    need: Need | None = None
    also: tuple[Also, ...] = ()


def usual(series: Series) -> str:
    if series.usual is None:
        return _("too new for a usual")
    return _("usually %s by this hour") % words.figure(round(series.usual))
