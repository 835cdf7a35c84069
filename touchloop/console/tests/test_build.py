"""What the browser gets: one stylesheet, one small script, everything from here."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

from touchloop.console import build

CONSOLE = Path(build.__file__).resolve().parent
FRONTEND = CONSOLE / "frontend"
TEMPLATES = [path for path in CONSOLE.rglob("*.html") if not {"node_modules"} & set(path.parts)]


def assets() -> dict[str, str]:
    found: dict[str, str] = json.loads((build.BUILT / "assets.json").read_text())
    return found


def test_the_script_is_small_and_the_charts_are_apart() -> None:
    script = (build.BUILT / assets()["app.js"]).read_bytes()
    assert len(gzip.compress(script)) <= 60 * 1024
    assert b"zrender" not in script
    assert list(build.BUILT.glob("plot-*.js"))


def test_nothing_comes_from_elsewhere() -> None:
    style = (build.BUILT / assets()["app.css"]).read_text()
    assert "http" not in style
    for template in TEMPLATES:
        text = template.read_text()
        assert not re.search(r'(src|href)="(https?:)?//', text), template


def test_the_lock_names_no_registry() -> None:
    assert "resolved" not in (FRONTEND / "package-lock.json").read_text()


def test_no_inline_script_style_or_handler() -> None:
    for template in TEMPLATES:
        text = template.read_text()
        assert not re.search(r'\sstyle="', text), template
        assert not re.search(r"\son[a-z]+=\"", text), template
        assert "hx-on" not in text, template
        for tag in re.findall(r"<script[^>]*>", text):
            assert "src=" in tag or "application/json" in tag, template


def test_styles_use_logical_sides() -> None:
    sides = re.compile(
        r"(?<![a-z-])(margin|padding|border)-(left|right)\b|text-align: (left|right)"
    )
    for path in [*(CONSOLE / "ui").glob("*.css"), *(FRONTEND / "css").glob("*.css")]:
        assert not sides.search(path.read_text()), path


def test_styles_take_their_colours_from_the_tokens() -> None:
    raw = re.compile(r"#[0-9a-fA-F]{3,8}\b|\brgb\(|\bhsl\(")
    for path in [*(CONSOLE / "ui").glob("*.css"), *(FRONTEND / "css").glob("*.css")]:
        if path.name == "tokens.css":
            continue
        lines = [line for line in path.read_text().splitlines() if raw.search(line)]
        assert [line for line in lines if not line.startswith(".qr ")] == [], path


def test_building_again_does_nothing() -> None:
    build.build()
    assert build.build() is False
