"""The brake: what is judged, what is warned of; a campaign pauses itself, and says why."""

from __future__ import annotations

from datetime import timedelta

import pytest

from touchloop.channels import api as channels
from touchloop.core import db
from touchloop.engage.campaigns import api, braking
from touchloop.engage.campaigns.tests.conftest import Enter, Make, run
from touchloop.flow.tests.conftest import Clock


@pytest.mark.parametrize(
    ("complained", "reached", "word"),
    [
        (0, 0, ""), (10, 299, ""), (1, 1_000, ""), (2, 1_000, "warn"), (3, 1_000, "warn"),
        (6, 1_000, "warn"), (9, 1_000, "stop"), (299, 299, ""), (300, 300, "stop"),
        (350, 100_000, "stop"), (320, 100_000, "warn"), (100, 100_000, ""),
    ],
)  # fmt: skip
def test_one_complaint_among_few_says_nothing(complained: int, reached: int, word: str) -> None:
    assert braking.judged(complained, reached).word == word


def test_a_campaign_that_annoys_pauses_itself(
    conn: db.Connection, held_clock: Clock, enter: Enter, make: Make
) -> None:
    enter(310)
    made, other = make(audience="following"), make(audience="following")
    run(conn)
    ids = conn.execute(
        "SELECT id FROM deliveries WHERE campaign_id = %s AND state = 'handed' ORDER BY id",
        (made.id,),
    ).fetchall()
    assert len(ids) == 310
    assert api.brake(conn, held_clock.at) == 0
    for number, (id,) in enumerate(ids[:6]):
        channels.outcome(conn, id, "complained", at=held_clock.at)
        conn.commit()
        if number == 0:  # 0.3 %, of which nobody can be sure
            assert api.complaints(conn, [made.id], now=held_clock.at)[made.id].word == "warn"
            assert api.brake(conn, held_clock.at) == 0
    assert api.brake(conn, held_clock.at) == 1
    found = api.get(conn, made.id)
    assert found.state == "paused" and "6 of 310 recipients" in found.trouble
    assert api.get(conn, other.id).state == "running"
    assert api.brake(conn, held_clock.at) == 0
    api.resume(conn, made.id, now=held_clock.at)
    assert api.get(conn, made.id).trouble == ""
    assert api.brake(conn, held_clock.at) == 1  # still too many in the window
    api.resume(conn, made.id, now=held_clock.at)
    assert api.brake(conn, held_clock.at + timedelta(days=8)) == 0
