"""What the repository must not hold, and what its documents must."""

from __future__ import annotations

import json
import re
from pathlib import Path

import typer

from tests.architecture.tree import ROOT, short, tracked
from touchloop.api.bodies import request_of
from touchloop.cli.app import app
from touchloop.core import clock
from touchloop.core.version import version
from touchloop.interactions import context

TEXT = {".py", ".md", ".toml", ".lock", ".html", ".css", ".js", ".mjs", ".json", ".txt", ".yml", ""}
ENGLISH_DOCS = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")


def test_no_file_names_a_folder_of_somebodys_machine() -> None:
    folders = {f"{ROOT.parent}/", f"{Path.home()}/"} - {"//"}
    found = [
        short(path)
        for path in tracked()
        if path.suffix in TEXT and any(folder in _text(path) for folder in folders)
    ]
    assert found == []


def test_lock_files_name_no_host() -> None:
    locks = [
        path for path in tracked() if path.suffix == ".lock" or path.name.endswith("-lock.json")
    ]
    assert len(locks) >= 3
    for path in locks:
        addresses = re.findall(
            r'"resolved"|--(?:extra-)?index-url|--find-links|@ https?:', _text(path)
        )
        assert addresses == [], short(path)


def test_every_locked_package_has_a_hash() -> None:
    for path in (ROOT / "requirements.lock", ROOT / "requirements-dev.lock"):
        text = path.read_text()
        packages = re.findall(r"^[a-z0-9._-]+(?:\[[a-z,]+\])?==", text, re.M)
        entries = re.split(r"^(?=[a-z0-9])", text, flags=re.M)[1:]
        assert len(packages) == len(entries)
        assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_no_built_file_is_committed() -> None:
    built = ("static/console/", "node_modules/", "dist/", ".venv/")
    assert [short(path) for path in tracked() if any(part in short(path) for part in built)] == []


def test_what_the_readme_sends_is_understood_as_it_says() -> None:
    sent = re.findall(r"-d '(\{.*?\})'", (ROOT / "README.md").read_text(), re.S)
    (till,) = [body for body in map(json.loads, sent) if "event" in body]
    place = context.read(json.dumps(till["context"]).encode()).touchpoint
    assert place is not None and (place.channel, place.location) == ("store", "330")
    (wish,) = [body for body in sent if "event" not in json.loads(body)]
    asked = request_of(wish.encode(), clock.now())
    assert (asked.identifier, asked.location) == (("user_id", "1204"), "330")


def test_each_command_is_documented() -> None:
    guide = "\n".join((ROOT / name).read_text() for name in ENGLISH_DOCS)
    missing = [name for name in _commands() if f"touchloop {name}" not in guide]
    assert missing == []


def test_each_command_teaches_with_help() -> None:
    group = typer.main.get_command(app)
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        assert command.help, name


def test_each_step_of_the_flow_is_explained() -> None:
    from touchloop.flow import steps

    guide = (ROOT / "ARCHITECTURE.md").read_text()
    assert [s.name for s in steps.ON_INTERACTIONS if f"**{s.name}**" not in guide] == []


def test_the_version_comes_from_the_changelog() -> None:
    assert f"## {version()}" in (ROOT / "CHANGELOG.md").read_text()


def _commands() -> list[str]:
    group = typer.main.get_command(app)
    found = []
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        under = getattr(command, "commands", {})
        found += [f"{name} {sub}" for sub in under] if under else [name]
    return found


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")
