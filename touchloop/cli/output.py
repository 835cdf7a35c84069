"""What commands print: words and progress for people on standard error, results on standard output.

With `--json` a command prints one JSON object on standard output and nothing else: whatever a
library or a child process prints meanwhile goes to standard error.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

people = Console(stderr=True, highlight=False)
answers = Console(highlight=False)
Emit = Callable[[dict[str, Any]], None]
_encoded = json.JSONEncoder(default=str).encode


@contextmanager
def result(*, as_json: bool) -> Iterator[Emit]:
    """Gives a function that prints the result; with `as_json`, the only way to standard output."""
    if not as_json:
        yield lambda _: None
        return
    sys.stdout.flush()
    answer = os.dup(1)
    os.dup2(2, 1)
    try:
        yield lambda value: _write(answer, value)
    finally:
        sys.stdout.flush()
        os.dup2(answer, 1)
        os.close(answer)


def say(text: str) -> None:
    """One line for people, on standard error."""
    people.print(text, markup=False, soft_wrap=True)


def show(*lines: str) -> None:
    """The answer in words, on standard output, plain so that it can be piped."""
    print(*lines, sep="\n", flush=True)


def table(headings: list[str], rows: list[list[str]]) -> None:
    """The answer as a table, on standard output."""
    grid = Table(*headings, box=None, pad_edge=False)
    for row in rows:
        grid.add_row(*map(escape, row))
    answers.print(grid)


def _write(descriptor: int, value: dict[str, Any]) -> None:
    with open(descriptor, "w", encoding="utf-8", closefd=False) as file:
        file.writelines(_texts(value))


def _texts(value: dict[str, Any]) -> Iterator[str]:
    """JSON in parts; an iterator becomes a list that is never held as a whole."""
    yield "{"
    for n, (key, each) in enumerate(value.items()):
        yield f"{', ' if n else ''}{_encoded(key)}: "
        if isinstance(each, Iterator):
            yield "["
            for m, part in enumerate(each):
                yield (", " if m else "") + _encoded(part)
            yield "]"
        else:
            yield _encoded(each)
    yield "}\n"
