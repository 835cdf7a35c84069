"""What a message calls its reader, put in after everything else is rendered.

To render a template for each reader costs a millisecond, and mostly only the name differs. Where a
template does nothing with the reader's words but print them, or ask whether they are there, it is
rendered once with marks in their place, and each letter gets the words themselves.
"""

from __future__ import annotations

import re
from binascii import b2a_qp
from collections.abc import Mapping
from html import escape
from typing import Any, Final

from touchloop.channels.email.language import LINK, LINK_END, NAME, NAME_END
from touchloop.channels.email.mime import SLOT

# What a message may call its reader by: only what the person typed, never what somebody inferred.
READER: Final = ("first_name", "last_name", "title")

_WORD: Final = rf"customer\.(?:{'|'.join(READER)})"
_PRINTED: Final = re.compile(
    rf"""\{{\{{-?\s*{_WORD}\s*(?:\|\s*default:\s*(?:"[^"{{}}]*"|'[^'{{}}]*')\s*)?-?\}}\}}"""
)
_ASKED: Final = re.compile(rf"\{{%-?\s*(?:if|unless|elsif)\s+{_WORD}\s*-?%\}}")
# A captured text could be changed by a filter, with the mark in it.
_ELSEWHERE: Final = re.compile(r"\{\{.*?customer.*?\}\}|\{%.*?(?:customer|capture).*?%\}", re.S)
# Reads the same whether its part is written as it is or quoted-printable.
_PLAIN: Final = re.compile(r"[ -<>-~]*")


def apart(source: str) -> bool:
    """Whether a template's source only prints the reader's words, or asks whether they exist.

    In the address of a link they decide where it leads: that is more than to print them.
    """
    in_links = (piece.partition(LINK_END)[0] for piece in source.split(LINK)[1:])
    if any("customer" in address for address in in_links):
        return False
    return not _ELSEWHERE.search(_ASKED.sub("", _PRINTED.sub("", source)))


def fits(reader: Mapping[str, Any]) -> bool:
    """Whether these words can be put into slots: there, and short enough for a line."""
    return all(
        isinstance(word, str)
        and word
        # a character becomes six bytes at most (&quot;)
        and (6 * len(word) <= SLOT or len(escape(word).encode("utf-8", "replace")) <= SLOT)
        for word in reader.values()
    )


def plain(reader: Mapping[str, Any]) -> bool:
    """Whether the words need no encoding on their way."""
    return all(_PLAIN.fullmatch(word) for word in reader.values())


def marks(reader: Mapping[str, Any]) -> dict[str, str]:
    """Marks in the place of the words."""
    return {name: f"{NAME}{name}{NAME_END}" for name in reader}


def filled(text: str, reader: Mapping[str, Any]) -> str:
    """The words in the place of the marks, as they are."""
    if NAME not in text:
        return text
    for name, word in reader.items():
        text = text.replace(f"{NAME}{name}{NAME_END}", word)
    return text


def in_slots(reader: Mapping[str, Any]) -> dict[tuple[str, int], bytes]:
    """What goes into the slots of a body: (mark, 0) in text, (mark, 1) in HTML."""
    coded = _as_is if plain(reader) else _quoted
    found = {}
    for name, word in reader.items():
        mark, shown = NAME + name, escape(word)
        in_text = found[mark, 0] = coded(word)
        found[mark, 1] = in_text if shown == word else coded(shown)
    return found


def _as_is(word: str) -> bytes:
    return word.encode("ascii")


def _quoted(word: str) -> bytes:
    return b2a_qp(word.encode("utf-8", "replace"), istext=True).replace(b"\n", b"\r\n")
