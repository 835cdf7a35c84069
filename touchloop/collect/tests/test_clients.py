"""The client libraries that people have, unchanged, against the running door."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest

from touchloop.collect.tests.conftest import Served, messages
from touchloop.interactions.api import Packed, Source

pytestmark = pytest.mark.clients
HERE = Path(__file__).parent / "clients"


def library(name: str) -> Any:
    """A client library; none of them has types."""
    return importlib.import_module(name)


def seen() -> dict[str, Any]:
    return {found.type: found for found in messages()}


def segment_client(door: Served, source: Source, errors: list[Any], **options: Any) -> Any:
    return library("segment.analytics.client").Client(
        source.write_key,
        host=door.url,
        on_error=lambda error, _: errors.append(error),
        **options,
    )


@pytest.mark.parametrize("gzip", [False, True])
def test_segment_python(door: Served, source: Source, gzip: bool) -> None:
    errors: list[Any] = []
    client = segment_client(door, source, errors, gzip=gzip)
    client.identify("u1", {"plan": "x"})
    client.track("u1", "Bought", {"price": 2.5})
    client.page("u1", "Docs", "Home", {"path": "/"})
    client.screen("u1", "App", "Start")
    client.group("u1", "g1", {"size": 3})
    client.alias("a1", "u1")
    client.shutdown()
    found = seen()
    assert errors == []
    assert set(found) == {"identify", "track", "page", "screen", "group", "alias"}
    assert found["identify"].traits == {"plan": "x"}
    assert found["track"].properties == {"price": 2.5}
    assert (found["alias"].previous_id, found["alias"].user_id) == ("a1", "u1")
    assert found["group"].group_id == "g1"


def test_segment_python_sends_again_what_was_not_taken(door: Served, source: Source) -> None:
    """Two commits fail; the client's own retry brings the same messages, under the same ids."""
    fail_commits(door, 2, psycopg.OperationalError("the connection was lost in the commit"))
    errors: list[Any] = []
    client = segment_client(door, source, errors, max_retries=10)
    client.track("u1", "Bought", message_id="the-same")
    client.shutdown()
    assert errors == []
    assert [found.message_id for found in messages()] == ["the-same"]


def test_segment_python_waits_when_told_to(serve: Callable[..., Served], source: Source) -> None:
    door = serve(source_rate=1)
    errors: list[Any] = []
    client = segment_client(door, source, errors, max_retries=20, upload_size=1)
    for number in range(4):
        client.track("u1", "Bought", message_id=f"m{number}")
    client.shutdown()
    assert errors == []
    assert sorted(found.message_id for found in messages()) == ["m0", "m1", "m2", "m3"]


def test_segment_python_hears_why_it_was_refused(door: Served) -> None:
    errors: list[Any] = []
    client = library("segment.analytics.client").Client(
        "nobody", host=door.url, on_error=lambda error, _: errors.append(error)
    )
    client.track("u1", "Bought")
    client.shutdown()
    assert len(errors) == 1
    assert "unknown_write_key" in str(errors[0])
    assert messages() == []


def test_rudder_python(door: Served, source: Source) -> None:
    errors: list[Any] = []
    client = library("rudderstack.analytics.client").Client(
        source.write_key, host=door.url, on_error=lambda error, _: errors.append(error)
    )
    client.identify("u1", {"plan": "x"})
    client.track("u1", "Bought", {"price": 2.5})
    client.group("u1", "g1", {"size": 3})
    client.alias("a1", "u1")
    client.flush()
    client.join()
    found = seen()
    assert errors == []
    assert found["identify"].traits["plan"] == "x"
    assert found["track"].properties["price"] == 2.5
    assert found["alias"].previous_id == "a1"


def test_posthog_python(door: Served, source: Source) -> None:
    from posthog import Posthog

    errors: list[Any] = []
    client = Posthog(
        source.write_key, host=door.url, on_error=lambda error, _: errors.append(error)
    )
    client.capture("Bought", distinct_id="u1", properties={"price": 2.5})
    client.set(distinct_id="u1", properties={"plan": "x"})
    client.alias("u1", "a1")
    client.group_identify("company", "g1", {"size": 3})
    assert client.get_all_flags("u1") == {}
    client.shutdown()
    found = seen()
    assert errors == []
    assert (found["track"].user_id, found["track"].name) == ("u1", "Bought")
    assert found["track"].properties["price"] == 2.5
    assert found["identify"].traits == {"plan": "x"}
    assert (found["alias"].user_id, found["alias"].previous_id) == ("u1", "a1")
    assert (found["group"].group_id, found["group"].traits["size"]) == ("g1", 3)


def test_snowplow_python(door: Served, source: Source) -> None:
    snowplow = library("snowplow_tracker")
    failures: list[Any] = []
    emitter = snowplow.Emitter(
        "127.0.0.1", protocol="http", port=door.port, method="post", batch_size=1,
        on_failure=lambda _, unsent: failures.append(unsent),
    )  # fmt: skip
    subject = snowplow.Subject().set_user_id("u1").set_domain_user_id("a1")
    tracker = snowplow.Tracker("shop", emitter, subject=subject, app_id=source.write_key)
    tracker.track(snowplow.PageView("https://shop.example/", page_title="Home"))
    tracker.track(snowplow.StructuredEvent("cart", "Added", label="bread", value=2.5))
    schema = "iglu:com.example/Bought/jsonschema/1-0-0"
    tracker.track(snowplow.SelfDescribing(snowplow.SelfDescribingJson(schema, {"price": 2.5})))
    tracker.flush()
    found = {each.name: each for each in messages()}
    assert failures == []
    assert set(found) == {"Home", "Added", "Bought"}
    assert found["Home"].properties["url"] == "https://shop.example/"
    assert found["Bought"].properties == {"price": 2.5}
    assert (found["Added"].user_id, found["Added"].anonymous_id) == ("u1", "a1")


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts beside their packages; TOUCHLOOP_NODE_CLIENTS says where these stand."""
    given = os.environ.get("TOUCHLOOP_NODE_CLIENTS")
    if given:
        return Path(given)
    if shutil.which("node") is None or shutil.which("npm") is None:
        if os.environ.get("CI"):
            raise AssertionError("the Node clients must run in CI: install node and npm")
        pytest.skip("needs node and npm")
    folder = tmp_path_factory.mktemp("clients")
    shutil.copytree(HERE, folder, dirs_exist_ok=True)
    done = subprocess.run(
        ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=folder, capture_output=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return folder


def run_script(folder: Path, name: str, door: Served, source: Source) -> dict[str, Any]:
    done = subprocess.run(
        ["node", str(folder / name), door.url, source.write_key],
        cwd=folder, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return seen()


@pytest.mark.parametrize("script", ["segment.mjs", "rudder.mjs"])
def test_node_clients_of_segment_and_rudder(
    node: Path, door: Served, source: Source, script: str
) -> None:
    found = run_script(node, script, door, source)
    assert set(found) == {"identify", "track", "page", "group", "alias"}
    assert found["identify"].traits["plan"] == "x"
    assert found["track"].properties == {"price": 2.5}
    assert found["alias"].previous_id == "a1"


def test_node_client_of_segment_sends_again(node: Path, door: Served, source: Source) -> None:
    fail_commits(door, 1, psycopg.errors.DiskFull("no space left"))
    assert "track" in run_script(node, "segment.mjs", door, source)
    ids = [found.message_id for found in messages()]
    assert len(ids) == len(set(ids)) == 5


def test_node_client_of_jitsu(node: Path, door: Served, source: Source) -> None:
    found = run_script(node, "jitsu.mjs", door, source)
    assert found["identify"].user_id == "u1"
    assert found["track"].name == "Bought"
    assert "page" in found


def test_node_client_of_posthog(node: Path, door: Served, source: Source) -> None:
    found = run_script(node, "posthog.mjs", door, source)
    assert found["identify"].traits == {"plan": "x"}
    assert found["track"].properties["price"] == 2.5
    assert (found["alias"].user_id, found["alias"].previous_id) == ("u1", "a1")
    assert found["group"].group_id == "g1"


def fail_commits(door: Served, times: int, error: Exception) -> None:
    """The next commits fail after nothing was written, as the database would report it."""
    left = [times]
    for pipe in door.door.writer._pipes:
        put = pipe.put

        async def failing(blocks: Sequence[Packed], *, within: float, put: Any = put) -> None:
            if left[0] > 0:
                left[0] -= 1
                raise error
            await put(blocks, within=within)

        pipe.put = failing  # type: ignore[method-assign]
