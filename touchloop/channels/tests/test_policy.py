"""The contact policy for any history and any place: caps, gap, quiet hours, mutes, expiry."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchloop.channels import hours
from touchloop.channels.policy import Cap, Contact, Mute, Policy, Pressure, after, judge

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
# The jurisdictions that change their clocks differ in when: both turns of Europe, America,
# Australia and Chile lie in these weeks.
TURNS = [
    datetime(2026, 3, 8, tzinfo=UTC), datetime(2026, 3, 29, tzinfo=UTC),
    datetime(2026, 4, 5, tzinfo=UTC), datetime(2026, 9, 6, tzinfo=UTC),
    datetime(2026, 10, 4, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC),
    datetime(2026, 11, 1, tzinfo=UTC),
]  # fmt: skip

caps = st.builds(
    Cap,
    st.sampled_from(["marketing", "survey", ""]),
    st.integers(1, 200),
    st.integers(1, 4),
)
policies = st.builds(
    Policy,
    caps=st.lists(caps, max_size=4).map(tuple),
    gap_hours=st.sampled_from([0.0, 0.5, 4.0, 30.0]),
    quiet_from=st.integers(0, 23),
    quiet_until=st.integers(0, 23),
)
zones = st.sampled_from(sorted(available_timezones() - {"Factory", "localtime"}))
wishes = st.lists(
    st.tuples(
        st.sampled_from(["marketing", "survey", "service"]),
        st.integers(0, 60 * 24 * 4),  # minutes since the wish before
        st.booleans(),  # whether the customer has come
    ),
    max_size=25,
)


@settings(max_examples=300, deadline=None)
@given(policy=policies, zone=zones | st.none(), wanted=wishes)
def test_no_sequence_of_wishes_breaks_a_rule(
    policy: Policy, zone: str | None, wanted: list[tuple[str, int, bool]]
) -> None:
    """What is deferred is tried again at the moment it was given, as the outbox does."""
    policy = replace(policy, zones=("Europe/Berlin", "Asia/Tokyo"))
    pressure = Pressure(zone=zone)
    made: list[tuple[str, datetime, bool]] = []
    clock = NOON
    queue: list[tuple[datetime, int, str, bool]] = []
    for number, (kind, minutes, came) in enumerate(wanted):
        clock += timedelta(minutes=minutes)
        queue.append((clock, number, kind, came))
    for _ in range(2000):
        if not queue:
            break
        queue.sort()
        at, number, kind, came = queue.pop(0)
        said = judge(policy, pressure, kind=kind, now=at, came=came)
        if said.word == "send":
            pressure = after(pressure, Contact(kind, at))
            made.append((kind, at, came))
        elif said.word == "defer":
            assert said.at > at
            queue.append((said.at, number, kind, came))
    _hold(policy, zone, made)


def _hold(policy: Policy, zone: str | None, made: list[tuple[str, datetime, bool]]) -> None:
    """The rules, said again in the plainest way: count every window that starts at a contact."""
    counted = [(kind, at) for kind, at, _ in made if kind != "service"]
    for cap in policy.caps:
        mine = [at for kind, at in counted if cap.kind in (kind, "")]
        for start in mine:
            within = [at for at in mine if start <= at < start + timedelta(hours=cap.hours)]
            assert len(within) <= cap.most, (cap, within)
    asked = [zone] if zone else list(policy.zones)
    for kind, at, came in made:
        if kind == "service" or came:
            continue
        before = [other for _, other in counted if other < at]
        if before:
            assert at - max(before) >= timedelta(hours=policy.gap_hours)
        for name in asked:
            assert not _is_night(at.astimezone(ZoneInfo(name)).hour, policy)


def _is_night(hour: int, policy: Policy) -> bool:
    begins, ends = policy.quiet_from, policy.quiet_until
    night = {(begins + n) % 24 for n in range((ends - begins) % 24)}
    return hour in night


@pytest.mark.parametrize("turn", TURNS, ids=lambda turn: turn.date().isoformat())
def test_quiet_hours_hold_in_every_zone_around_each_turn_of_the_clocks(turn: datetime) -> None:
    policy = Policy(caps=(), gap_hours=0)
    names = sorted(available_timezones() - {"Factory", "localtime"})
    assert len(names) > 400
    for place, name in enumerate(names):
        for step in range(-6, 7):
            at = turn + timedelta(hours=4 * step, minutes=7 * (place % 9))
            said = judge(policy, Pressure(zone=name), kind="marketing", now=at)
            local = at.astimezone(ZoneInfo(name))
            assert (said.word == "send") == (8 <= local.hour < 21), (name, local)
            if said.word == "defer":
                then = said.at.astimezone(ZoneInfo(name))
                assert said.reason == "quiet_hours"
                assert 8 <= then.hour < 21 and said.at - at <= timedelta(hours=13), (name, local)


@settings(max_examples=200, deadline=None)
@given(
    zone=zones,
    at=st.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC)),
    begins=st.integers(0, 23),
    ends=st.integers(0, 23),
)
def test_the_next_allowed_moment_is_the_first(
    zone: str, at: datetime, begins: int, ends: int
) -> None:
    found = hours.next_allowed(at, (zone,), begins, ends)
    assert found is not None and found >= at
    assert not hours.is_quiet(found, [zone], quiet_from=begins, quiet_until=ends)
    before = at
    while before < found:  # every quarter of an hour before it is quiet
        assert hours.is_quiet(before, [zone], quiet_from=begins, quiet_until=ends)
        before += timedelta(minutes=15)


def test_an_unknown_zone_gets_the_hours_that_are_allowed_everywhere() -> None:
    zones = hours.zones_of_country("US")
    assert {"America/New_York", "Pacific/Honolulu", "America/Los_Angeles"} <= set(zones)
    policy = Policy(caps=(), gap_hours=0, zones=zones)
    # Eight in Honolulu is one or two in the afternoon in New York, where it ends at nine.
    for hour in range(24):
        at = datetime(2026, 1, 14, hour, 30, tzinfo=UTC)
        said = judge(policy, Pressure(), kind="survey", now=at)
        everywhere = all(8 <= at.astimezone(ZoneInfo(zone)).hour < 21 for zone in zones)
        assert (said.word == "send") == everywhere
        if said.word == "defer":
            assert all(8 <= said.at.astimezone(ZoneInfo(zone)).hour < 21 for zone in zones)
    morning = datetime(2026, 1, 14, 14, tzinfo=UTC)  # nine in New York
    known = Pressure(zone="America/New_York")
    assert judge(policy, known, kind="survey", now=morning).word == "send"


def test_zones_too_far_apart_leave_no_hour_and_say_so() -> None:
    policy = Policy(caps=(), zones=("Pacific/Kiritimati", "Europe/London", "Asia/Tokyo"))
    said = judge(policy, Pressure(), kind="marketing", now=NOON)
    assert (said.word, said.reason) == ("drop", "quiet_hours")


def test_a_zone_that_skipped_a_day_still_has_mornings() -> None:
    night = datetime(2011, 12, 30, 9, 0, tzinfo=UTC)  # 23:00 on the 29th in Apia; then the 31st
    found = hours.next_allowed(night, ("Pacific/Apia",), 21, 8)
    assert found is not None
    assert found.astimezone(ZoneInfo("Pacific/Apia")) == datetime(
        2011, 12, 31, 8, tzinfo=ZoneInfo("Pacific/Apia")
    )


def test_service_passes_everything_but_its_expiry() -> None:
    night = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
    pressed = Pressure(
        contacts=tuple(Contact("marketing", night - timedelta(minutes=n)) for n in range(50)),
        zone="UTC",
        mutes=(Mute("complaint_open"),),
        paused_until=night + timedelta(days=30),
        per_week=0,
    )
    assert judge(Policy(), pressed, kind="service", now=night).word == "send"
    assert judge(Policy(), pressed, kind="service", now=night, expires_at=night).reason == "expired"
    for kind in ("marketing", "survey"):
        assert judge(Policy(), pressed, kind=kind, now=night).word != "send"


def test_service_does_not_count_as_pressure() -> None:
    pressed = Pressure(
        contacts=tuple(Contact("service", NOON - timedelta(minutes=n)) for n in range(9)),
        zone="UTC",
    )
    assert judge(Policy(), pressed, kind="marketing", now=NOON).word == "send"


def test_midnight_does_not_open_a_new_window() -> None:
    """Caps by calendar day would let 23:00 and 00:00 both pass."""
    policy = Policy(caps=(Cap("marketing", 24, 1),), gap_hours=0, quiet_from=0, quiet_until=0)
    late = datetime(2026, 3, 2, 23, 0, tzinfo=UTC)
    pressed = Pressure(contacts=(Contact("marketing", late),), zone="UTC")
    said = judge(policy, pressed, kind="marketing", now=late + timedelta(hours=1))
    assert (said.word, said.reason, said.at) == (
        "defer",
        "cap_marketing_24h",
        late + timedelta(hours=24),
    )
    assert judge(policy, pressed, kind="marketing", now=said.at).word == "send"


def test_a_mute_without_an_end_is_looked_at_every_day_until_the_message_expires() -> None:
    pressed = Pressure(zone="UTC", mutes=(Mute("complaint_open"),))
    said = judge(Policy(), pressed, kind="survey", now=NOON, expires_at=NOON + timedelta(days=2))
    assert (said.word, said.reason, said.at) == (
        "defer",
        "complaint_open",
        NOON + timedelta(days=1),
    )
    said = judge(Policy(), pressed, kind="survey", now=NOON, expires_at=NOON + timedelta(hours=8))
    assert (said.word, said.reason) == ("drop", "complaint_open_until_expiry")


def test_the_persons_own_pace_is_stricter_than_the_house() -> None:
    pressed = Pressure(
        contacts=(Contact("marketing", NOON - timedelta(days=3)),), zone="UTC", per_week=1
    )
    said = judge(Policy(), pressed, kind="survey", now=NOON)
    assert (said.word, said.reason, said.at) == ("defer", "cap_all_168h", NOON + timedelta(days=4))
    paused = Pressure(zone="UTC", paused_until=NOON + timedelta(days=30))
    said = judge(Policy(), paused, kind="marketing", now=NOON)
    assert (said.word, said.reason, said.at) == ("defer", "paused", NOON + timedelta(days=30))


def test_who_has_come_is_not_held_to_the_clock_but_to_the_caps() -> None:
    night = datetime(2026, 3, 2, 22, 0, tzinfo=UTC)
    pressed = Pressure(contacts=(Contact("survey", night - timedelta(hours=1)),), zone="UTC")
    assert judge(Policy(), pressed, kind="marketing", now=night, came=True).word == "send"
    pressed = after(pressed, Contact("marketing", night))
    said = judge(Policy(), pressed, kind="marketing", now=night, came=True)
    assert (said.word, said.reason) == ("defer", "cap_marketing_24h")
