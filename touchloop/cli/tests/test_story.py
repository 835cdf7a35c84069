"""`touchloop story`: one household round the circle, by any identifier, for people and machines."""

from __future__ import annotations

import json
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from touchloop.channels import api as channels
from touchloop.cli import circle, runtime
from touchloop.cli.app import app
from touchloop.core import db
from touchloop.core.errors import NotFound
from touchloop.engage.triggers.tests.conftest import Happen, Named, Postbox, happen, postbox
from touchloop.engage.triggers.tests.test_examples import shop, weekly
from touchloop.flow import delivering, worker
from touchloop.flow.tests.conftest import Clock, Say, conn, held_clock, say, source
from touchloop.interactions import api as interactions
from touchloop.records.cases import api as cases
from touchloop.records.cases.tests.conftest import named

__all__ = ["Happen", "Named", "Postbox", "conn", "happen", "held_clock", "named", "postbox", "say",
           "shop", "source"]  # fmt: skip


@pytest.fixture
def household(conn: db.Connection, held_clock: Clock, say: Say, shop: interactions.Source) -> int:
    """Invited to the deli counter at the till, taken up, complained, case settled."""
    weekly(say, held_clock, shop, "household-9", mail=False)
    say(of=shop, userId="household-9", event="Page Seen",
        context={"externalIds": [{"id": "CJ000009", "type": "card"}]})  # fmt: skip
    worker.drain()
    customer = circle.customer_named(conn, "household-9")
    held_clock.at += timedelta(hours=1)
    delivering.drain()
    [prompt] = channels.prompts(conn, customer, "store", held_clock.at, location="330")
    channels.acknowledge(conn, prompt.delivery_id, "accepted", held_clock.at)
    cases.open_case(
        conn, subject_id=customer, kind="complaint", title="Sour milk", cause="test",
        at=held_clock.at,
    )  # fmt: skip
    conn.commit()
    worker.drain()
    held_clock.at += timedelta(days=3)
    say(of=shop, userId="household-9", event="Order Completed", properties={"total": 7})
    worker.drain()
    return customer


def told(found: circle.Circle, station: str) -> list[str]:
    return [entry.what for entry in found.stations[station]]


def test_every_station_tells_what_the_record_holds(conn: db.Connection, household: int) -> None:
    found = circle.circle(conn, household, last=500)
    assert "Order Completed" in told(found, "captured")
    assert not any(what.startswith("Message") for what in told(found, "captured"))
    assert any("never bought from DELI" in what for what in told(found, "understood"))
    assert told(found, "engaged") == ["Invitation to the deli counter"]
    assert told(found, "decided") == ["store: Invitation to the deli counter"]
    assert found.stations["decided"][0].told
    [delivered] = found.stations["delivered"]
    assert delivered.what == "store: deli-invitation (marketing)"
    assert any("accepted" in line for line in delivered.told)
    assert told(found, "acted") == ["case opened: Sour milk"]
    assert any("orders within two weeks" in line
               for entry in found.stations["changed"] for line in entry.told)  # fmt: skip
    for entries in found.stations.values():
        assert [entry.at for entry in entries] == sorted(entry.at for entry in entries)


def test_it_shows_the_last_ones_and_counts_the_rest(conn: db.Connection, household: int) -> None:
    found = circle.circle(conn, household, last=3)
    whole = circle.circle(conn, household, last=500)
    shown = sum(len(found.stations[name]) for name in ("captured", "understood"))
    assert shown <= 3 and found.before > 0 and whole.before == 0


@pytest.mark.parametrize("words", ["household-9", "CJ000009", "cj000009", " household-9 "])
def test_any_identifier_finds_the_household(
    conn: db.Connection, household: int, words: str
) -> None:
    assert circle.customer_named(conn, words) == household


def test_nobody_and_several_are_said(conn: db.Connection, household: int, say: Say) -> None:
    with pytest.raises(NotFound, match="nobody is known"):
        circle.customer_named(conn, "zzz@nowhere.example")
    say(userId="household-91", event="Page Seen", work=True)
    with pytest.raises(NotFound, match="may be several"):
        circle.customer_named(conn, "household")
    assert circle.customer_named(conn, "household-9") == household
    assert circle.customer_named(conn, f"#{household}") == household


def test_the_command_prints_a_tree_and_one_json_object(
    conn: db.Connection, household: int, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    monkeypatch.setattr(runtime, "ready", nullcontext)
    printed = CliRunner().invoke(app, ["story", "household-9"])
    assert printed.exit_code == 0, printed.exception
    assert "Invitation to the deli counter" in printed.stdout and "Sour milk" in printed.stdout
    capfd.readouterr()
    assert CliRunner().invoke(app, ["story", "household-9", "--json"]).exit_code == 0
    found = json.loads(capfd.readouterr().out)
    assert found["customer_id"] == household and len(found["stations"]) == 8
