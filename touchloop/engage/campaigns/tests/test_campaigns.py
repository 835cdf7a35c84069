"""A campaign reaches each member once, no faster and at no other time than it may."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from touchloop.channels import api as channels
from touchloop.core import db
from touchloop.core.errors import Invalid
from touchloop.engage.campaigns import api as campaigns
from touchloop.engage.campaigns import sending
from touchloop.engage.campaigns.tests.conftest import Enter, Make, run
from touchloop.engage.triggers.tests.conftest import Postbox
from touchloop.flow.tests.conftest import Clock
from touchloop.identity import api as identity
from touchloop.insight.segments import api as segments

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
AB = [{"name": "A", "template": "a"}, {"name": "B", "template": "b", "weight": 3}]


def members(conn: db.Connection) -> Counter[str]:
    return Counter(dict(conn.execute(
        "SELECT state, count(*) FROM campaign_members GROUP BY 1").fetchall()))  # fmt: skip


def test_everybody_gets_it_once_and_it_is_done(
    conn: db.Connection, held_clock: Clock, enter: Enter, make: Make, postbox: Postbox
) -> None:
    subjects = enter(25)
    made = make()
    while run(conn, limit=7):
        pass
    assert sorted(each.subject_id for each in postbox.taken) == subjects
    assert campaigns.get(conn, made.id).state == "done"


def test_arms_are_drawn_by_a_keyed_hash_and_of_their_shares(
    conn: db.Connection, held_clock: Clock, enter: Enter, make: Make
) -> None:
    n = 8_000
    enter(n)
    made = make(variants=AB, holdout=0.2)
    rows = conn.execute("SELECT subject_id, variant FROM campaign_members").fetchall()
    plan = made.parsed
    assert all(campaigns.arm_of(plan, "seed", subject) == arm for subject, arm in rows)
    found = Counter(arm for _, arm in rows)
    for arm, share in (("", 0.2), ("A", 0.2), ("B", 0.6)):
        assert abs(found[arm] / n - share) < 4 * (share * (1 - share) / n) ** 0.5


def test_the_holdout_gets_nothing(
    conn: db.Connection, held_clock: Clock, enter: Enter, make: Make, postbox: Postbox
) -> None:
    enter(200)
    make(holdout=0.5)
    run(conn)
    held = {row[0] for row in conn.execute(
        "SELECT subject_id FROM campaign_members WHERE state = 'holdout'").fetchall()}  # fmt: skip
    assert 60 < len(held) < 140
    assert held.isdisjoint(each.subject_id for each in postbox.taken)
    assert len(postbox.taken) == 200 - len(held)


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.integers(-20, 45), min_size=1, max_size=15), st.integers(1, 40))
def test_no_minute_has_more_than_the_throttle(
    conn: db.Connection, held_clock: Clock, enter: Enter, make: Make, postbox: Postbox,
    seconds: list[int], per_minute: int,
) -> None:  # fmt: skip
    """Whatever the clock does between the turns, and however often it is asked."""
    for table in ("campaign_members", "campaigns", "deliveries", "contacts", "segment_members"):
        conn.execute(f"DELETE FROM {table}".encode())
    enter(120)
    make(per_minute=per_minute)
    sent = []
    for jump in seconds:
        held_clock.at += jump * SECOND
        for limit in (3, None):
            before = len(postbox.taken)
            run(conn, limit=limit)
            sent += [held_clock.at] * (len(postbox.taken) - before)
        for instant in sent:
            assert sum(instant - MINUTE < at <= instant for at in sent) <= per_minute
    if all(jump >= 0 for jump in seconds):
        whole = min(120, per_minute)
        assert len(sent) >= whole  # and no slower: the first minute is used up at once


def test_a_throttled_campaign_takes_exactly_its_time(
    conn: db.Connection, held_clock: Clock, enter: Enter, make: Make, postbox: Postbox
) -> None:
    enter(100)
    make(per_minute=30)
    seen = []
    for _ in range(4):
        run(conn)
        run(conn)
        seen.append(len(postbox.taken))
        held_clock.at += MINUTE
    assert seen == [30, 60, 90, 100]


def test_two_workers_share_a_throttle(
    conn: db.Connection, held_clock: Clock, enter: Enter, make: Make
) -> None:
    enter(400)
    made = make(per_minute=100)
    barrier = threading.Barrier(3)

    def work() -> None:
        with db.connect() as own:
            barrier.wait()
            for _ in range(20):
                sending.feed(own, made.id, held_clock.at, limit=9)
                own.commit()

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    # What they left to each other, if anything.
    while sending.feed(conn, made.id, held_clock.at, limit=9):
        conn.commit()
    assert members(conn) == {"asked": 100, "waiting": 300}


@pytest.mark.parametrize(
    ("hour", "zone", "weekdays", "opens"),
    [
        (9, "UTC", (0, 1, 2, 3, 4), True),  # a Monday
        (8, "UTC", (0, 1, 2, 3, 4), False),
        (8, "Europe/Amsterdam", (0,), True),
        (9, "UTC", (5, 6), False),
        (19, "UTC", (0,), True),
        (20, "UTC", (0,), False),
    ],
)
def test_it_sends_inside_its_window_only(
    conn: db.Connection, held_clock: Clock, enter: Enter, make: Make, postbox: Postbox,
    hour: int, zone: str, weekdays: tuple[int, ...], opens: bool,
) -> None:  # fmt: skip
    held_clock.at = datetime(2026, 3, 2, hour, 0, tzinfo=UTC)
    enter(3)
    make(window={"since": 9, "until": 20, "zone": zone, "weekdays": list(weekdays)})
    run(conn)
    assert bool(postbox.taken) is opens


def test_a_window_may_go_over_midnight_and_over_the_change_of_the_clocks() -> None:
    night = campaigns.Window(since=22, until=3, zone="Europe/Berlin")
    # On 29 March 2026 the clock goes from 2:00 to 3:00, at 1:00 UTC.
    assert night.open(datetime(2026, 3, 29, 0, 59, tzinfo=UTC))
    assert not night.open(datetime(2026, 3, 29, 1, 0, tzinfo=UTC))
    assert night.open(datetime(2026, 3, 29, 20, 0, tzinfo=UTC))


def test_pause_takes_back_what_is_queued_and_resume_loses_nobody(
    conn: db.Connection, held_clock: Clock, enter: Enter, make: Make, postbox: Postbox
) -> None:
    subjects = enter(50)
    made = make()
    sending.feed(conn, made.id, held_clock.at, limit=20)  # 20 lie in the outbox
    conn.commit()
    campaigns.pause(conn, made.id, now=held_clock.at)
    conn.commit()
    run(conn)
    assert postbox.taken == [] and members(conn) == {"waiting": 50}
    campaigns.resume(conn, made.id, now=held_clock.at)
    conn.commit()
    run(conn)
    assert sorted(each.subject_id for each in postbox.taken) == subjects


def test_abort_cancels_at_once(
    conn: db.Connection, held_clock: Clock, enter: Enter, make: Make, postbox: Postbox
) -> None:
    enter(50)
    made = make()
    sending.feed(conn, made.id, held_clock.at, limit=20)
    campaigns.abort(conn, made.id, now=held_clock.at)
    conn.commit()
    run(conn)
    assert postbox.taken == []
    found = campaigns.report(conn, made.id, now=held_clock.at)
    assert found.state == "aborted" and found.held == {"campaign aborted": 50}
    with pytest.raises(Invalid):
        campaigns.resume(conn, made.id, now=held_clock.at)


def test_a_fixed_audience_stays_as_it_was(
    conn: db.Connection, held_clock: Clock, enter: Enter, make: Make, postbox: Postbox
) -> None:
    enter(5)
    make(per_minute=1_000)
    held_clock.at += MINUTE
    enter(5)
    conn.execute("DELETE FROM segment_members")
    run(conn)
    assert len(postbox.taken) == 5


def test_following_takes_in_later_entrants_once(
    conn: db.Connection, held_clock: Clock, enter: Enter, make: Make, postbox: Postbox
) -> None:
    made = make(audience="following")
    run(conn)
    for _ in range(3):
        held_clock.at += MINUTE
        enter(4)
        run(conn)
        run(conn)
    assert len(postbox.taken) == 12 == len({each.subject_id for each in postbox.taken})
    campaigns.pause(conn, made.id, now=held_clock.at)
    conn.commit()
    held_clock.at += HOUR
    enter(3, since=held_clock.at - 30 * MINUTE)  # while it was paused
    held_clock.at += 40 * HOUR
    campaigns.resume(conn, made.id, now=held_clock.at)
    run(conn)
    assert len(postbox.taken) == 15
    assert campaigns.get(conn, made.id).state == "running"


def test_following_leaves_out_who_has_left(
    conn: db.Connection, held_clock: Clock, enter: Enter, make: Make, postbox: Postbox
) -> None:
    subjects = enter(5)
    make(audience="following")
    conn.execute("DELETE FROM segment_members WHERE customer_id = ANY(%s)", (subjects[:2],))
    run(conn)
    assert sorted(each.subject_id for each in postbox.taken) == subjects[2:]
    assert members(conn) == {"asked": 3, "left": 2}


def test_who_is_one_customer_gets_one_message(
    conn: db.Connection, held_clock: Clock, enter: Enter, make: Make, postbox: Postbox
) -> None:
    one, other, third = enter(3)
    made = make(audience="following")
    identity.merge(conn, one, other, actor_id=1, reason="the same")
    conn.commit()
    run(conn)
    assert len(postbox.taken) == 2
    assert third in {each.subject_id for each in postbox.taken}
    assert campaigns.report(conn, made.id, now=held_clock.at).audience == 2


def test_what_the_channels_refuse_is_held_with_its_reason(
    conn: db.Connection, held_clock: Clock, enter: Enter, make: Make, postbox: Postbox
) -> None:
    enter(4)
    made = make(kind="marketing")  # nobody allowed it
    run(conn)
    found = campaigns.report(conn, made.id, now=held_clock.at)
    assert postbox.taken == [] and sum(found.held.values()) == 4
    assert campaigns.get(conn, made.id).state == "done"


def test_a_fault_pauses_the_campaign_and_not_the_others(
    conn: db.Connection, held_clock: Clock, enter: Enter, make: Make, postbox: Postbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    enter(3)
    bad, good = make(), make()
    real = sending._ask

    def broken(conn: Any, campaign: Any, *rest: Any) -> None:
        if campaign.id == bad.id:
            raise ValueError("a broken template")
        real(conn, campaign, *rest)

    monkeypatch.setattr(sending, "_ask", broken)
    run(conn)
    found = campaigns.get(conn, bad.id)
    assert (found.state, found.trouble) == ("paused", "ValueError: a broken template")
    assert {each.campaign_id for each in postbox.taken} == {good.id}


def test_the_report_counts_each_arm_with_its_interval(
    conn: db.Connection, held_clock: Clock, enter: Enter, make: Make, postbox: Postbox, say: Any
) -> None:
    subjects = enter(60)
    made = make(variants=AB, holdout=0.3, goal={"event": "Order Completed", "days": 7})
    run(conn)
    arms = {subject: campaigns.arm_of(made.parsed, "seed", subject) for subject in subjects}
    held_clock.at += HOUR
    buyers = [subject for subject in subjects if subject % 2]
    for subject in buyers:
        say("track", userId=f"n{subject}", event="Order Completed", properties={"total": 1})
    say("track", userId="somebody", event="Page Seen", work=True)
    late = subjects[0] if not subjects[0] % 2 else subjects[1]
    held_clock.at += timedelta(days=8)
    say("track", userId=f"n{late}", event="Order Completed", work=True)
    found = campaigns.report(conn, made.id, now=held_clock.at)
    assert found.audience == 60 and found.ended == 60 and found.holdout is not None
    for arm in (*found.arms, found.holdout):
        mine = [subject for subject in subjects if arms[subject] == arm.name]
        assert (arm.converted.x, arm.converted.n) == (
            len([subject for subject in mine if subject in buyers]), len(mine),
        )  # fmt: skip
        assert arm.converted.low <= arm.converted.value <= arm.converted.high
        assert arm.handed == (0 if arm.name == "" else len(mine))
    treated = sum(arm.converted.x for arm in found.arms)
    n, held = sum(arm.n for arm in found.arms), found.holdout.converted
    assert found.gained is not None
    assert found.gained.people == pytest.approx(treated - n * held.value)
    assert found.gained.low <= found.gained.people <= found.gained.high
    assert found.outcomes == {"handed": n}


def test_selling_needs_a_segment_made_for_it(
    conn: db.Connection, held_clock: Clock, make: Make
) -> None:
    other = segments.create(
        "Analysis", rule={"all": []}, purpose="improve", actor=None, now=held_clock.at, conn=conn
    )
    with pytest.raises(Invalid, match="another purpose"):
        make(segment=other.id, kind="marketing")


def test_once_begun_only_pace_and_window_can_be_changed(
    conn: db.Connection, held_clock: Clock, make: Make
) -> None:
    made = make(per_minute=5, audience="following")
    faster = campaigns.change(conn, made.id, now=held_clock.at, plan=made.plan | {"per_minute": 50})
    assert faster.parsed.per_minute == 50
    with pytest.raises(Invalid):
        campaigns.change(conn, made.id, now=held_clock.at, plan=made.plan | {"holdout": 0.5})


@pytest.mark.parametrize(
    ("plan", "field"),
    [
        ({"variants": []}, "variants"),
        ({"variants": [AB[0], AB[0]]}, "variants"),
        ({"variants": [{"name": "A", "template": ""}]}, "variants[0].template"),
        ({"variants": [{"name": "A", "template": "a", "weight": 0}]}, "variants[0].weight"),
        ({"holdout": 1}, "holdout"),
        ({"per_minute": 0}, "per_minute"),
        ({"window": {"since": 9, "until": 9}}, "window"),
        ({"window": {"since": 9, "until": 20, "zone": "Mars/Base"}}, "window.zone"),
        ({"segment": 4711}, "segment"),
        ({"colour": "red"}, "plan"),
    ],
)
def test_a_wrong_plan_names_the_field(
    conn: db.Connection, held_clock: Clock, make: Make, plan: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as error:
        make(begin=False, **plan)
    assert error.value.field == field


def test_campaigns_of_the_past_stand_with_their_coupons(
    conn: db.Connection, held_clock: Clock, say: Any
) -> None:
    for who in ("ana", "bo", "cy"):
        say("track", userId=who, event="Campaign Delivered", properties={
            "campaign_id": "18", "campaign_type": "Type A",
            "starts_at": "2026-01-01T00:00:00Z", "ends_at": "2026-02-01T00:00:00Z"})  # fmt: skip
    for upc in ("1", "2", "2"):
        say("track", userId="ana", event="Coupon Redeemed", work=True,
            properties={"campaign_id": "18", "coupon_upc": upc})  # fmt: skip
    [found] = campaigns.past(conn)
    assert (found.campaign_id, found.type, found.delivered) == ("18", "Type A", 3)
    assert (found.redeemed.x, found.redeemed.n, found.redemptions, found.coupons) == (1, 3, 3, 2)


def test_channels_know_the_campaign(
    conn: db.Connection, held_clock: Clock, enter: Enter, make: Make, postbox: Postbox
) -> None:
    enter(2)
    made = make()
    run(conn)
    assert {each.campaign_id for each in postbox.taken} == {made.id}
    assert channels.cancel(conn, campaign_id=made.id, reason="late", now=held_clock.at) == 0
