"""Baskets of a text file, one a line, as the published test sets have them (FIMI)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from django.utils.translation import gettext as _

from touchloop.core.errors import Invalid
from touchloop.insight.affinity.baskets import LARGEST, Baskets, of_lists

SEPARATORS = {"comma": ",", "space": None, "tab": "\t", "semicolon": ";"}
LONGEST = 4_000_000  # characters of a line


def read(path: Path, *, separator: str = "auto", largest: int = LARGEST) -> Baskets:
    """The baskets of a file. `separator` is auto, comma, space, tab, semicolon or one character.

    Auto means commas when the first line with anything in it has one, else white space. Empty
    lines are no baskets. Invalid names what cannot be read.
    """
    try:
        with path.open(encoding="utf-8") as file:
            found = of_lists(_lists(file, separator), largest=largest)
    except UnicodeDecodeError:
        raise Invalid("file", _("%s is not text in UTF-8") % path.name) from None
    except OSError as error:
        raise Invalid("file", f"{path}: {error.strerror}") from None
    if found.n == 0:
        why = _("all %d baskets have more than %d items") % (found.left_out, largest)
        raise Invalid("file", why if found.left_out else _("%s holds no baskets") % path.name)
    return found


def _lists(file: Iterator[str], separator: str) -> Iterator[list[str]]:
    by: str | None = _separator(separator) if separator != "auto" else ""
    for number, line in enumerate(file, start=1):
        if "\0" in line or len(line) > LONGEST:
            raise Invalid("file", _("line %d is no line of text") % number)
        if not line.strip():
            continue
        if by == "":
            by = "," if "," in line else None
        items = [item for part in line.split(by) if (item := part.strip())]
        if items:
            yield items


def _separator(word: str) -> str | None:
    if word in SEPARATORS:
        return SEPARATORS[word]
    if len(word) != 1:
        known = ", ".join(("auto", *SEPARATORS))
        raise Invalid("separator", _("one of %s or a single character is expected") % known)
    return word
