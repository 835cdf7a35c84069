"""Budgets: a file and a function that outgrow them hold two things, and are to be parted."""

from __future__ import annotations

import ast
from collections import defaultdict

from tests.architecture.tree import PACKAGE, modules, parsed, short, tracked

LINES_OF_A_FILE = 400
LINES_OF_A_FUNCTION = 60
LINES_OF_A_TEMPLATE = 200
LINES_OF_A_SCRIPT = 400
LINES_OF_A_COPY = 12


def test_files_are_short() -> None:
    limits = {".py": LINES_OF_A_FILE, ".html": LINES_OF_A_TEMPLATE, ".js": LINES_OF_A_SCRIPT}
    long = {
        short(path): lines
        for path in tracked()
        if path.suffix in limits and "migrations" not in path.parts
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > limits[path.suffix]
    }
    assert long == {}


def test_functions_are_short() -> None:
    long = [
        f"{short(path)}:{node.lineno} {node.name}"
        for path in modules()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= LINES_OF_A_FUNCTION
    ]
    assert long == []


def test_nothing_is_written_twice() -> None:
    """No run of twelve telling lines stands in two places."""
    places: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for path in modules():
        lines = [
            (number, line.strip())
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
            if _tells(line)
        ]
        for start in range(len(lines) - LINES_OF_A_COPY + 1):
            run = lines[start : start + LINES_OF_A_COPY]
            places[tuple(text for _, text in run)].append(f"{short(path)}:{run[0][0]}")
    assert [found for found in places.values() if len(found) > 1] == []


def test_the_package_has_modules() -> None:
    """A guard of the guards: an empty list would pass every test above."""
    assert len(modules()) > 50 and all(path.is_relative_to(PACKAGE) for path in modules())


def _tells(line: str) -> bool:
    """Imports and brackets repeat everywhere and say nothing."""
    text = line.strip()
    return len(text) > 3 and not text.startswith(("#", "import ", "from ", '"""'))
