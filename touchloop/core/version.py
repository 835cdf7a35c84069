"""The version: the newest heading of CHANGELOG.md, which the build puts into the package."""

from __future__ import annotations

import re
from functools import cache
from importlib import metadata
from pathlib import Path


@cache
def version() -> str:
    """In a checkout what CHANGELOG.md says now, else what the installed package says."""
    changelog = Path(__file__).resolve().parent.parent.parent / "CHANGELOG.md"
    if changelog.exists() and (changelog.parent / "pyproject.toml").exists():
        found = re.search(r"^## (\d+\.\d+\.\d+)", changelog.read_text(encoding="utf-8"), re.M)
        if found:
            return found.group(1)
    return metadata.version("touchloop")
