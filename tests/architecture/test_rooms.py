"""The house rules that a machine can keep (ARCHITECTURE.md says why)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.tree import PACKAGE, modules, parsed, short

NESTED = (
    "insight",
    "records",
    "engage",
    "experience",
)  # the contexts in this room lie one level deeper
OPEN = ("core",)  # what everybody stands on
DOORS = (
    "cli",
    "config",
    "bench",
    "demo",
    "console",
    "api",
    "public",
    "collect",
)  # not contexts: nobody's rules
VAGUE = {
    "utils",
    "util",
    "services",
    "helpers",
    "helper",
    "managers",
    "misc",
    "common",
    "base_utils",
}


def test_a_context_is_reached_only_through_its_api() -> None:
    found = list(_crossings())
    assert not found, "\n" + "\n".join(found)


def test_there_are_no_signals() -> None:
    found = [
        f"{short(path)}:{node.lineno}"
        for path in modules()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ImportFrom)
        and (
            node.module in ("django.dispatch", "django.db.models.signals")
            or (node.module == "django.db.models" and "signals" in {a.name for a in node.names})
        )
    ]
    assert found == []


def test_modules_are_named_after_their_concept() -> None:
    assert [short(path) for path in modules() if path.stem in VAGUE] == []


def test_rooms_say_what_they_own() -> None:
    rooms = [path for path in PACKAGE.glob("*/__init__.py") if path in modules()]
    silent = [short(path) for path in rooms if not ast.get_docstring(parsed(path))]
    assert not silent, silent


def _crossings() -> Iterator[str]:
    for path in modules():
        here = _room(_dotted(path))
        if here == "bench":  # a measurement may take a part out of its room
            continue
        for node, target in _imports(path):
            there = _room(target)
            if there in (here, "") or there in OPEN:
                continue
            rest = target.removeprefix(f"touchloop.{there}").lstrip(".")
            if there in DOORS or rest.split(".")[0] == "api":
                continue
            yield f"{short(path)}:{node.lineno} reaches into {target}"


def _imports(path: Path) -> Iterator[tuple[ast.stmt, str]]:
    """Each imported module of the package; `from x import y` may name a module in y."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("touchloop."):
                    yield node, alias.name
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("touchloop"):
            for alias in node.names:
                yield node, _as_module(f"{node.module}.{alias.name}")


def _as_module(dotted: str) -> str:
    """`touchloop.x.y` when y is a module of x, else `touchloop.x`, from where y was taken."""
    path = PACKAGE.parent / Path(*dotted.split("."))
    is_module = path.with_suffix(".py").exists() or (path / "__init__.py").exists()
    return dotted if is_module else dotted.rpartition(".")[0]


def _dotted(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(
        ".__init__"
    )


def _room(dotted: str) -> str:
    parts = dotted.split(".")[1:]
    return ".".join(parts[:2]) if parts and parts[0] in NESTED else "".join(parts[:1])
