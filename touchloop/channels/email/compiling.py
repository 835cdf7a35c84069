"""From what was written (MJML or HTML, Liquid in it) to what is rendered for each recipient.

Done once for each version. Links are put between two marks that no value can hold, so that at the
end exactly the template's own links are found again, whatever a value looks like.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Final

from django.utils.translation import gettext as _
from mjml import mjml2html

from touchloop.channels.email.language import LINK, LINK_END, NAME, NAME_END, template
from touchloop.channels.email.plain import plain_text
from touchloop.core.errors import Invalid

LONGEST_BODY, LONGEST_SUBJECT = 200_000, 500
HREF, SOURCE, WRITTEN = "h", "s", "t"  # after LINK: to click on, to load, written out

_LIQUID: Final = re.compile(r"\{%-?.*?-?%\}|\{\{-?.*?-?\}\}", re.S)
# Of ASCII, because MJML writes other characters of an address in a form of its own.
_MASK, _MASK_END = "tlq-", "-qlt"
_MASKED: Final = re.compile(f"{_MASK}(\\d+){_MASK_END}")
_TAG: Final = re.compile(r"<[a-zA-Z][^<>]*>")
_ADDRESS: Final = re.compile(
    r"""(?<=[\s"'])(href|src|background)\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.I
)
_OPEN_SCHEMES: Final = re.compile(r"(?:https?://|mailto:|tel:|#|tlq-)", re.I)
_FORBIDDEN: Final = frozenset(
    (
        "script", "iframe", "object", "embed", "form", "input", "button", "textarea", "select",
        "base", "frame", "frameset", "svg", "math", "audio", "video", "applet", "noembed",
        "template",
    )
)  # fmt: skip


def to_html(body: str, *, markup: str) -> str:
    """The body as HTML, Liquid still in it. Raises Invalid("body") when it cannot be sent."""
    if len(body) > LONGEST_BODY:
        raise Invalid("body", _("The body is longer than 200,000 characters."))
    if any(mark in body for mark in (LINK, LINK_END, NAME, NAME_END, _MASK, _MASK_END)):
        raise Invalid("body", _("The body holds characters that mean nothing to people."))
    masked, parts = _mask(body)
    if markup == "mjml":
        try:
            masked = mjml2html(masked, fonts={})
        except ValueError as error:
            raise Invalid("body", _("This MJML cannot be read: %s") % error) from error
    elif markup != "html":
        raise Invalid("markup", _("Write the body in MJML or HTML."))
    _refuse(masked, parts)
    html = _unmask(masked, parts)
    template(html, html=True)
    return html


def marked(html: str) -> str:
    """The HTML with each of its links between marks."""
    masked, parts = _mask(html)

    def mark(found: re.Match[str]) -> str:
        name, url = found[1].lower(), found[2] if found[2] is not None else found[3]
        if _is_ours(url, parts):
            return found[0]
        return f'{name}="{LINK}{HREF if name == "href" else SOURCE}{url}{LINK_END}"'

    return _unmask(_TAG.sub(lambda tag: _ADDRESS.sub(mark, tag[0]), masked), parts)


def derived_text(html: str) -> str:
    """The plain-text part of an HTML body, Liquid and links kept."""
    masked, parts = _mask(html)

    def mark(url: str) -> str:
        return url if _is_ours(url, parts) else f"{LINK}{WRITTEN}{url}{LINK_END}"

    return _unmask(plain_text(masked, link=mark), parts)


def with_marked_addresses(text: str) -> str:
    """A plain-text part that somebody wrote, its addresses between marks."""
    masked, parts = _mask(text)
    address = re.compile(r"https?://[^\s<>\"]+")
    return _unmask(address.sub(lambda at: f"{LINK}{WRITTEN}{at[0]}{LINK_END}", masked), parts)


def _is_ours(url: str, parts: list[str]) -> bool:
    """`{{ touchloop.preferences }}` and the like bring marks of their own."""
    found = _MASKED.fullmatch(url.strip())
    return bool(found and re.match(r"\{\{-?\s*touchloop\.", parts[int(found[1])]))


def _mask(source: str) -> tuple[str, list[str]]:
    """Liquid may hold < and >, which would be read as HTML."""
    parts: list[str] = []

    def mask(found: re.Match[str]) -> str:
        parts.append(found[0])
        return f"{_MASK}{len(parts) - 1}{_MASK_END}"

    return _LIQUID.sub(mask, source), parts


def _unmask(masked: str, parts: list[str]) -> str:
    return _MASKED.sub(lambda found: parts[int(found[1])], masked)


def _refuse(masked: str, parts: list[str]) -> None:
    reader = _Reader(parts)
    reader.feed(masked)
    reader.close()


class _Reader(HTMLParser):
    """Refuses what has no place in a mail, and values where escaping would not hold them."""

    def __init__(self, parts: list[str]) -> None:
        super().__init__(convert_charrefs=True)
        self.parts = parts
        self.inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _FORBIDDEN:
            raise Invalid("body", _("A mail holds no <%s>.") % tag)
        self.inside = tag if tag == "style" else ""
        if _MASK in re.sub(r"\"[^\"]*\"|'[^']*'", "", self.get_starttag_text() or ""):
            self._no_value(_("a tag: put it between quotes"), self.get_starttag_text() or "")
        for name, value in attrs:
            self._attribute(name, value or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.inside = ""

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside:
            self._no_value(_("a style"), data)

    def handle_comment(self, data: str) -> None:
        if not data.startswith("[if"):
            self._no_value(_("a comment"), data)

    def _attribute(self, name: str, value: str) -> None:
        if name.startswith("on"):
            raise Invalid("body", _("A mail holds no scripts (%s).") % name)
        if name == "style":
            self._no_value(_("a style"), value)
        if name in ("action", "formaction", "srcset", "ping"):
            raise Invalid("body", _("A mail holds no attribute %s.") % name)
        leads = name in ("href", "src", "background") and value.strip()
        if leads and not _OPEN_SCHEMES.match(value.strip()):
            raise Invalid(
                "body",
                _("Links start with https://, http://, mailto: or tel:, not %s") % value[:60],
            )

    def _no_value(self, where: str, text: str) -> None:
        """Only what prints a value matters: conditions around an attribute may stand."""
        for number in _MASKED.findall(text):
            if self.parts[int(number)].startswith("{{"):
                raise Invalid("body", _("A value cannot stand inside %s.") % where)
