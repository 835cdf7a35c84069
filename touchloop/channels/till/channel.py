"""The two places where staff speak for us: the till, and the call centre's screen."""

from __future__ import annotations

from django.utils.translation import gettext_noop

from touchloop.channels.seam import Channel

CHANNELS = (
    Channel(name="store", label=gettext_noop("Till"), pulled=True),
    Channel(name="call_centre", label=gettext_noop("Agent's screen"), pulled=True),
)
