"""The tags that pages are built from.

    {% icon "search" %}                              an icon of the sprite (any Lucide name)
    {% ui "button" label="Save" look="primary" %}    a component: templates/ui/<name>.html
    {% wrap "notice" tone="danger" %}...{% endwrap %}   a component around content
    {% asset "app.css" %}                            the address of a built file
    {% when moment %}                                a moment: "3 min ago", exact time on hover
    {{ 12345|figure }}  {{ 0.123|percent }}          numbers as people write them

Each component's arguments are documented at the top of its template and shown on /ui.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django import template
from django.http import HttpRequest
from django.template import Context
from django.template.base import FilterExpression, NodeList, Parser, Token, token_kwargs
from django.template.loader import get_template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from touchloop.console.ui import words

register = template.Library()

ASSETS = Path(__file__).resolve().parent.parent / "static" / "console" / "assets.json"
CARRIED = ("request", "csrf_token", "actor", "csp_nonce")
TURNING = frozenset({"chevron-right", "chevron-left", "arrow-right", "arrow-left", "log-out"})


@register.simple_tag
def icon(name: str, size: int = 16, label: str = "") -> SafeString:
    """An icon; silent to screen readers unless it carries a label."""
    shape = "icon" if size == 16 else f"icon icon-{size}"
    if name in TURNING:
        shape += " icon-turns"
    words_ = (
        format_html('role="img" aria-label="{}"', label)
        if label
        else SafeString('aria-hidden="true"')
    )
    return format_html(
        '<svg class="{}" {}><use href="{}#{}"/></svg>', shape, words_, asset("icons.svg"), name
    )


@register.simple_tag
def asset(name: str) -> str:
    """Where a built file lies; its name carries a hash, so that it can be kept for ever."""
    return _read_assets(ASSETS.stat().st_mtime)[name]


@register.simple_tag(takes_context=True)
def ui(context: Context, component: str, **arguments: Any) -> SafeString:
    return _render(context, component, arguments)


@register.tag
def wrap(parser: Parser, token: Token) -> template.Node:
    """{% wrap "card" title=... %}content{% endwrap %}: the component finds it as `content`."""
    words_ = token.split_contents()[1:]
    if not words_:
        raise template.TemplateSyntaxError("wrap needs the name of a component")
    name = parser.compile_filter(words_[0])
    arguments = token_kwargs(words_[1:], parser)
    content = parser.parse(("endwrap",))
    parser.delete_first_token()
    return WrapNode(name, arguments, content)


class WrapNode(template.Node):
    def __init__(
        self, name: FilterExpression, arguments: dict[str, FilterExpression], content: NodeList
    ) -> None:
        self.name = name
        self.arguments = arguments
        self.nodelist = content

    def render(self, context: Context) -> SafeString:
        given = {key: value.resolve(context) for key, value in self.arguments.items()}
        given["content"] = self.nodelist.render(context)
        return _render(context, str(self.name.resolve(context)), given)


@register.simple_tag
def when(moment: datetime | None, form: str = "ago") -> SafeString:
    """A moment for people. `form`: ago, date, time, seconds, full."""
    return words.when(moment, form=form)


@register.filter
def figure(value: object) -> str:
    """12345.5 -> 12,345.5 in the reader's language; None is a dash."""
    return words.figure(value)


@register.filter
def percent(value: float | None) -> str:
    return words.percent(value)


@register.filter
def short(value: float | None) -> str:
    """1234567 -> 1.2M, for places where space is scarce."""
    return words.short(value)


@register.filter
def spark(values: list[float]) -> dict[str, str]:
    """The two SVG paths (line and ground) of a small trend line in a box of 100 x 32."""
    return words.spark(values)


@register.filter(name="is")
def is_(value: object, other: object) -> bool:
    """Equality, where a template can only pass one expression."""
    return value == other


@register.filter
def pretty(value: object) -> str:
    """JSON for reading; the template escapes it."""
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=False, default=str)


@register.filter
def at(values: Sequence[Any], index: int) -> Any:
    return values[index] if index < len(values) else None


@register.simple_tag(takes_context=True)
def here(context: Context, **changes: object) -> str:
    """This page's address with some query values changed; None takes one away."""
    request: HttpRequest = context["request"]
    query = [(k, v) for k, v in request.GET.lists() if k not in changes and k != "after"]
    pairs = [(key, value) for key, values in query for value in values]
    pairs += [(key, str(value)) for key, value in changes.items() if value not in (None, "")]
    return request.path + ("?" + urlencode(pairs) if pairs else "")


@register.simple_tag
def page_language() -> str:
    return get_language() or "en"


def _render(context: Context, name: str, arguments: dict[str, Any]) -> SafeString:
    carried = {key: context[key] for key in CARRIED if key in context}
    component = get_template(f"ui/{name}.html")
    return SafeString(component.template.render(Context({**carried, **arguments})))  # type: ignore[attr-defined]


@functools.lru_cache(maxsize=2)
def _read_assets(changed: float) -> dict[str, str]:
    found: dict[str, str] = json.loads(ASSETS.read_text())
    return {name: static(f"console/{file}") for name, file in found.items()}
