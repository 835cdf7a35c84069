"""Where the console differs from allauth's habits."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from touchloop.core import proxies


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]
    def get_client_ip(self, request: HttpRequest) -> str:
        """Whose failed sign-ins are counted: behind a proxy, not the proxy's."""
        forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
        return proxies.caller(
            request.META.get("REMOTE_ADDR", ""), forwarded, proxies=proxies.trusted()
        )

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """No mail leaves from sign-in: the security page shows what is set up."""

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """ "Signed in as …" is noise; what needs saying is said on the page itself."""
