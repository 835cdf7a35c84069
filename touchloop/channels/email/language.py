"""Liquid, as far as a template of ours may use it: bounded, without objects, without files.

Whoever writes a template is staff; what flows into it is anybody's. So a value is data for ever: it
is rendered once, escaped where it stands in HTML, and clipped before it comes near a template. What
a template can spend is bounded by python-liquid's four limits, and by filters that look at the size
of what they would make before they make it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from liquid import BoundTemplate, Environment, RenderContext
from liquid.exceptions import LiquidError, TemplateNotFoundError
from liquid.loader import BaseLoader, TemplateSource

from touchloop.core.errors import Invalid

LOOPS, OUTPUT, NAMESPACE, DEPTH = 5_000, 400_000, 200_000, 12
LONGEST_VALUE, MOST_ITEMS, DEEPEST = 4_000, 200, 6
# Around the address of a link, from compiling to the last step; values are cleaned of all marks.
LINK, LINK_END = "\ue000", "\ue001"
# Around what a word of the reader is called, until it is put in.
NAME, NAME_END = "\ue002", "\ue003"

# `safe` would undo the escaping; the others hide what a value is from whoever reads a template.
_NO_FILTERS: Final = (
    "safe", "base64_decode", "base64_encode", "base64_url_safe_decode", "base64_url_safe_encode",
    "escapejs", "url_decode",
)  # fmt: skip
_NO_TAGS: Final = ("include", "render", "ifchanged", "doc")
_GROWING: Final = ("append", "prepend", "concat")
# Control characters, those that turn the direction of writing, halves of characters, our own marks.
_UNSPEAKABLE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069"
    "\ud800-\udfff\ue000-\ue003\ufeff\ufff9-\uffff]"
)
_PLAIN: Final = re.compile(r"[ -~\n\t]*")


def template(source: str, *, html: bool, field: str = "body") -> BoundTemplate:
    """Compile; raises Invalid(field) with the line where the language was left."""
    environment = _HTML if html else _TEXT
    try:
        found = environment.from_string(source)
        unknown = sorted(found.analyze().filters.keys() - environment.filters.keys())
    except LiquidError as error:
        raise Invalid(field, _said(error)) from error
    except (ValueError, RecursionError) as error:
        raise Invalid(field, "this is not a template that can be read") from error
    if unknown:  # would only be found when the first message is rendered
        raise Invalid(field, f"unknown filter '{unknown[0]}'")
    return found


def render(compiled: BoundTemplate, data: Mapping[str, Any], *, field: str = "body") -> str:
    """Render with data that `clean` has made. Raises Invalid when a limit is met."""
    try:
        return compiled.render(data)
    except LiquidError as error:
        raise Invalid(field, _said(error)) from error
    except (ValueError, TypeError, ArithmeticError, RecursionError, MemoryError) as error:
        raise Invalid(field, "the template asks for something that cannot be worked out") from error


def clean(value: Any, *, depth: int = 0) -> Any:
    """Plain data out of anything: text, numbers, yes and no, lists and dicts of them.

    Text is clipped and loses what no name or sentence needs; an object of any other type becomes
    nothing, so that a template can reach no method and no attribute.
    """
    kind = type(value)
    if kind is str:
        return _text(value)
    if kind in (int, bool) or value is None:
        return value if kind is not int or -(2**63) < value < 2**63 else None
    if kind is float:
        return value if math.isfinite(value) else None
    if depth < DEEPEST and isinstance(value, Mapping):
        items = list(value.items())[:MOST_ITEMS]
        return {_text(str(key))[:100]: clean(each, depth=depth + 1) for key, each in items}
    if depth < DEEPEST and kind in (list, tuple):
        return [clean(each, depth=depth + 1) for each in value[:MOST_ITEMS]]
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if kind is Decimal else None


def _text(value: str) -> str:
    value = value[:LONGEST_VALUE]
    return value if _PLAIN.fullmatch(value) else _UNSPEAKABLE.sub("", value)


def _said(error: LiquidError) -> str:
    line = getattr(getattr(error, "token", None), "start_index", None)
    source = getattr(getattr(error, "token", None), "source", "")
    where = f" (line {source.count(chr(10), 0, line) + 1})" if source and line is not None else ""
    return f"{error.message or type(error).__name__}{where}"[:300]


class _Nothing(BaseLoader):
    """There are no files and no other templates to include."""

    def get_source(
        self, env: Environment, template_name: str, *, context: RenderContext | None = None,
        **kwargs: object,
    ) -> TemplateSource:  # fmt: skip
        raise TemplateNotFoundError(template_name)


class _Bounded(Environment):
    """The four limits, and no tag or filter that leads out."""

    loop_iteration_limit = LOOPS
    output_stream_limit = OUTPUT
    local_namespace_limit = NAMESPACE
    context_depth_limit = DEPTH

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        super().setup_tags_and_filters(extra=extra)
        for name in _NO_TAGS:
            self.tags.pop(name, None)
        for name in _NO_FILTERS:
            self.filters.pop(name, None)
        for name, filter in self.filters.items():
            self.filters[name] = _bounded(name, filter)


def _bounded(name: str, filter: Any) -> Any:
    """A filter that first asks how much it would make."""

    def within(value: Any, *given: Any, **named: Any) -> Any:
        if _would_make(name, value, given) > OUTPUT:
            raise LiquidError(f"{name} would make too much", token=None)
        return filter(value, *given, **named)

    for mark in ("with_context", "with_environment"):
        if hasattr(filter, mark):
            setattr(within, mark, getattr(filter, mark))
    return within


def _would_make(name: str, value: Any, given: tuple[Any, ...]) -> int:
    """At most so many characters or items."""
    sizes = [_size(each) for each in given]
    if any(isinstance(each, range) for each in (value, *given)):  # (1..1000000000) | sort
        return max(len(each) for each in (value, *given) if isinstance(each, range)) * 80
    if name == "replace":
        return _size(value) * (1 + sum(sizes))
    if name == "join":
        items = value if isinstance(value, list | tuple) else [value]
        return sum(map(_size, items)) + len(items) * (sum(sizes) + 1)
    if name == "times":  # an integer of thousands of digits is nobody's price
        return sum(_digits(each) for each in (value, *given)) ** 2
    if name == "date" and max(sizes, default=0) > 100:
        return OUTPUT + 1
    if name not in _GROWING:
        return 0
    return _size(value) + sum(sizes)


def _digits(value: Any) -> int:
    return int(value.bit_length()) if isinstance(value, int) else 0


def _size(value: Any) -> int:
    return len(value) if isinstance(value, str | list | tuple | dict) else 24


_HTML: Final = _Bounded(autoescape=True, loader=_Nothing())
_TEXT: Final = _Bounded(autoescape=False, loader=_Nothing())
