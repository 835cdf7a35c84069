"""Which channels there are: every folder here that has a `channel.py`."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from importlib.util import find_spec

from django.utils.translation import gettext as _

from touchloop import channels as room
from touchloop.channels.seam import Channel
from touchloop.core.errors import Invalid

_registered: dict[str, Channel] = {}


def channel(name: str) -> Channel:
    """The channel of this name; Invalid when there is none."""
    found = channels().get(name)
    if found is None:
        raise Invalid("channel", _("there is no channel %s") % name)
    return found


def channels() -> dict[str, Channel]:
    """All channels by name."""
    return {**_found(), **_registered}


def register(channel: Channel) -> None:
    """Add a channel that has no folder here, or put another in the place of one that has."""
    _registered[channel.name] = channel


def unregister(name: str) -> None:
    """Take back what `register` did."""
    _registered.pop(name, None)


@cache
def _found() -> dict[str, Channel]:
    found: dict[str, Channel] = {}
    for folder in pkgutil.iter_modules(room.__path__, f"{room.__name__}."):
        if folder.ispkg and find_spec(f"{folder.name}.channel"):
            module = importlib.import_module(f"{folder.name}.channel")
            found |= {one.name: one for one in module.CHANNELS}
    return found
