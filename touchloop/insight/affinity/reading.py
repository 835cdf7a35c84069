"""Baskets of a text file, one a line, as the published test sets have them (FIMI, arules)."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final, TextIO

from django.utils.translation import gettext as _

from touchloop.core.errors import Invalid
from touchloop.insight.affinity.baskets import Baskets, of_lists

SEPARATORS: Final = {"comma": ",", "space": None, "tab": "\t", "semicolon": ";"}
LONGEST: Final = 4_000_000  # characters of a line
_PART: Final = 1 << 20


def read(path: Path, *, separator: str = "auto", largest: int | None = None) -> Baskets:
    """The baskets of a file. `separator` is auto, comma, space, tab, semicolon or one character.

    Auto means commas when there is one anywhere in the file, else semicolons, else white space. An
    item may stand in double quotes, as spreadsheets write them. Empty lines are no baskets, and
    are counted. Baskets of more than `largest` items are left out. Invalid names what cannot be
    read.
    """
    by = _separator(separator) if separator != "auto" else ""
    try:
        with _opened(path) as file:
            if by == "":
                by = _found(file)
            lines = _Lines(file, by)
            found = of_lists(lines, largest=largest)
    except UnicodeDecodeError:
        raise Invalid("file", _("%s is not text in UTF-8") % path.name) from None
    except OSError as error:
        raise Invalid("file", f"{path}: {error.strerror}") from None
    if found.n == 0:
        if found.left_out:
            why = _("all %(n)d baskets have more than %(most)d items")
            raise Invalid("file", why % {"n": found.left_out, "most": largest})
        raise Invalid("file", _("%s holds no baskets") % path.name)
    word = next((name for name, sign in SEPARATORS.items() if sign == by), by or "space")
    return replace(found, empty=lines.empty, separator=word)


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    """The file as text that can be read twice; a pipe is kept meanwhile."""
    with path.open("rb") as given:
        if given.seekable():
            with path.open(encoding="utf-8-sig") as file:
                yield file
            return
        with TemporaryFile() as kept:
            while part := given.read(_PART):
                kept.write(part)
            kept.seek(0)
            with open(kept.fileno(), encoding="utf-8-sig", closefd=False) as file:
                yield file


def _found(file: TextIO) -> str | None:
    """What stands between the items: a first look at the whole file."""
    semicolon = False
    by: str | None = None
    while part := file.read(_PART):
        if "," in part:
            by = ","
            break
        semicolon = semicolon or ";" in part
    file.seek(0)
    return by or (";" if semicolon else None)


class _Lines:
    """The items of each line that has any; `empty` counts the others."""

    def __init__(self, file: Iterable[str], by: str | None) -> None:
        self.file, self.by, self.empty = file, by, 0

    def __iter__(self) -> Iterator[list[str]]:
        for number, line in enumerate(self.file, start=1):
            if "\0" in line or len(line) > LONGEST:
                raise Invalid("file", _("line %d is no line of text") % number)
            parts = self._quoted(line, number) if '"' in line else line.split(self.by)
            items = [item for part in parts if (item := part.strip())]
            if items:
                yield items
            else:
                self.empty += 1

    def _quoted(self, line: str, number: int) -> list[str]:
        by = self.by
        if by is None:
            line, by = " ".join(line.split()), " "
        try:
            return next(
                csv.reader([line.strip()], delimiter=by, skipinitialspace=True, strict=True)
            )
        except csv.Error:
            why = _("line %d: a quotation mark is not closed, or something stands behind it")
            raise Invalid("file", why % number) from None


def _separator(word: str) -> str | None:
    if word in SEPARATORS:
        return SEPARATORS[word]
    if len(word) != 1 or word in '"\r\n':
        known = ", ".join(("auto", *SEPARATORS))
        raise Invalid("separator", _("one of %s or a single character is expected") % known)
    return word
