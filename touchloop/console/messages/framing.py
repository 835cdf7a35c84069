"""Mail shown inside a page: by an address of its own, without scripts, cookies or remote pictures.

The frame is sandboxed twice: by its attribute in the page and by the policy of what it loads, so
that the address opened by itself can do no more.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from django.http import HttpResponse
from django.utils.html import format_html

from touchloop.console.middleware import POLICY as PAGE_POLICY
from touchloop.console.pages import Request

POLICY: Final = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'self'"
)
_SHEET: Final = (
    "<!doctype html><html><head><meta charset=utf-8><style>body{{margin:16px;font:14px/20px "
    "system-ui,sans-serif;color:#1d1c19;background:#fff}}pre{{white-space:pre-wrap;"
    "overflow-wrap:anywhere;font:13px/20px ui-monospace,monospace;margin:0}}</style></head>"
    "<body>{}</body></html>"
)


def framed(html: str) -> HttpResponse:
    """A mail's own HTML, to be loaded into a frame of ours and nothing else."""
    response = HttpResponse(html)
    response["Content-Security-Policy"] = POLICY
    response["X-Frame-Options"] = "SAMEORIGIN"
    response["Referrer-Policy"] = "no-referrer"
    return response


def sheet(text: str) -> HttpResponse:
    """Plain text in a frame."""
    return framed(format_html(_SHEET, format_html("<pre>{}</pre>", text)))


def holding(request: Request, response: HttpResponse) -> HttpResponse:
    """A page of the console that may hold such a frame."""
    policy = PAGE_POLICY.format(nonce=getattr(request, "csp_nonce", ""))
    response["Content-Security-Policy"] = f"{policy}; frame-src 'self'"
    return response


def safe_link(address: str) -> bool:
    """An address that may be offered for opening."""
    parts = urlsplit(address) if len(address) < 2_000 and address.isprintable() else None
    return parts is not None and parts.scheme in ("http", "https") and bool(parts.netloc)
