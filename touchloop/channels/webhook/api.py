"""What the doors may use of the webhook channel: `from touchloop.channels.api import webhook`."""

from touchloop.channels.webhook.endpoints import (
    Endpoint,
    change_endpoint,
    create_endpoint,
    drop_former_secret,
    endpoints,
    get_endpoint,
    remove_endpoint,
    rotate_secret,
    try_endpoint,
)
from touchloop.channels.webhook.posting import Posted

__all__ = [
    "Endpoint", "Posted", "change_endpoint", "create_endpoint", "drop_former_secret", "endpoints",
    "get_endpoint", "remove_endpoint", "rotate_secret", "try_endpoint",
]  # fmt: skip
