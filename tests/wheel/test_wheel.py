"""The built wheel, in an empty environment outside the checkout, serves the product.

The environment holds what the wheel declares that it needs, and nothing else: a package that only
the tests bring is missing there, and so is whatever the build forgot.
"""

from __future__ import annotations

import http.cookiejar
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.platform.installation import Installation, eventually

pytestmark = pytest.mark.wheel
ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="tlw-", dir="/tmp"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="module")
def wheel(folder: Path) -> Path:
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(folder: Path, wheel: Path) -> Iterator[Installation]:
    place = folder / "environment"
    subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    python = place / "bin" / "python"
    install = [
        str(python),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        str(wheel),
    ]
    subprocess.run(install, check=True, cwd=folder)
    _bring_declared(wheel, into=_site_packages(python))
    command = (str(place / "bin" / "touchloop"),)
    made = Installation(home=folder / "home", command=command, cwd=folder)
    os.environ.pop("PYTHONPATH", None)
    yield made
    made.destroy()


def test_the_wheel_holds_the_product_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for wanted in ("touchloop/console/static/console/assets.json", "touchloop/demo/year.sql"):
        assert wanted in names
    assert any(re.match(r"touchloop/console/.*templates/.*\.html", name) for name in names)
    assert [name for name in names if "/tests/" in name or "node_modules" in name] == []
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"touchloop"}


def test_it_serves_signs_in_and_stores_an_event(installed: Installation) -> None:
    served = installed.serve()
    user = installed.json("user", "add", "ana@example.com")
    browser = _Browser(served["console"])
    page = browser.get("/")
    form = browser.last
    assert 'name="login"' in page
    for asset in set(re.findall(r'(?:href|src)="(/static/[^"#]+)', page)):
        assert browser.get(asset)
    page = browser.sign_in(page, user["email"], user["password"], at=form)
    assert 'name="login"' not in page and "<main" in page

    key = installed.json("source", "add", "Till", "--kind", "till")["write_key"]
    assert installed.post(key, {"event": "Order Completed", "userId": "1", "messageId": "1"}) == 200
    stored = eventually(lambda: installed.json("doctor")["events"]["stored"] == 1)
    assert stored
    assert installed.stop() == 0
    assert installed.await_silence(5) == []


class _Browser:
    """Keeps cookies and sends the form's token back, as a browser does."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.cookies = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))
        self.last = address

    def get(self, path: str) -> str:
        return self._open(urllib.request.Request(self.address + path))

    def sign_in(self, page: str, email: str, password: str, *, at: str) -> str:
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert token
        fields = {"csrfmiddlewaretoken": token[1], "login": email, "password": password}
        return self._open(
            urllib.request.Request(
                at,
                data=urllib.parse.urlencode(fields).encode(),
                headers={"Referer": at},
            )
        )

    def _open(self, request: urllib.request.Request) -> str:
        with self.opener.open(request, timeout=60) as answer:
            assert answer.status == 200
            self.last = answer.url
            return str(answer.read().decode("utf-8", "replace"))


def _site_packages(python: Path) -> Path:
    asked = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    return Path(subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip())


def _bring_declared(wheel: Path, *, into: Path) -> None:
    """Link what the wheel needs, by its own word, from the environment of the tests."""
    text = zipfile.ZipFile(wheel).read(
        next(name for name in zipfile.ZipFile(wheel).namelist() if name.endswith("/METADATA"))
    )
    wanted = re.findall(r"^Requires-Dist: (.+)$", text.decode(), re.M)
    done: set[tuple[str, frozenset[str]]] = set()
    for line in wanted:
        _bring(Requirement(line), extras=frozenset(), into=into, done=done)


def _bring(
    need: Requirement,
    *,
    extras: frozenset[str],
    into: Path,
    done: set[tuple[str, frozenset[str]]],
) -> None:
    applies = need.marker is None or any(
        need.marker.evaluate({"extra": extra}) for extra in extras or {""}
    )
    key = (need.name.lower(), frozenset(need.extras))
    if not applies or key in done:
        return
    done.add(key)
    found = metadata.distribution(need.name)
    base = Path(str(found.locate_file("")))
    for top in {path.parts[0] for path in found.files or () if path.parts[0] not in ("..", "/")}:
        if (base / top).exists() and not (into / top).exists():
            (into / top).symlink_to(base / top)
    for line in found.requires or ():
        _bring(Requirement(line), extras=frozenset(need.extras), into=into, done=done)
