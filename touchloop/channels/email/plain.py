"""The words of an HTML mail without the HTML: the part that every mail has beside it."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Final

_APART: Final = frozenset(
    ("p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "blockquote")
)
_BLOCKS: Final = _APART | frozenset(
    ("div", "tr", "li", "section", "article", "header", "footer", "hr")
)
_SILENT: Final = frozenset(("head", "style", "title", "script"))


def plain_text(html: str, *, link: Callable[[str], str]) -> str:
    """Words in reading order, a line for each block, links written out by `link` behind theirs."""
    reader = _Words(link)
    reader.feed(html)
    reader.close()
    return tidy("".join(reader.said))


def tidy(text: str) -> str:
    """No spaces at the ends of lines, never more than one empty line."""
    text = re.sub(r"[ \t]*\n[ \t]*", "\n", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


class _Words(HTMLParser):
    def __init__(self, link: Callable[[str], str]) -> None:
        super().__init__(convert_charrefs=True)
        self.said: list[str] = []
        self.silent = 0
        self.link = link
        self.leads_to: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in _SILENT:
            self.silent += 1
        elif tag == "a":
            self.leads_to.append(given.get("href", ""))
        elif tag == "br":
            self.said.append("\n")
        elif tag == "img" and given.get("alt"):
            self.said.append(given["alt"])
        elif tag in _BLOCKS:
            self.said.append("\n\n" if tag in _APART else "\n")
            if tag == "li":
                self.said.append("- ")
        elif tag in ("td", "th"):
            self.said.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self.silent = max(0, self.silent - 1)
        elif tag == "a" and self.leads_to:
            address = self.leads_to.pop()
            if address and not address.startswith(("#", "mailto:", "tel:")):
                self.said.append(f" ({self.link(address)})")
        elif tag in _BLOCKS:
            self.said.append("\n\n" if tag in _APART else "\n")

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.said.append(re.sub(r"[ \t\r\n\f]+", " ", data))
