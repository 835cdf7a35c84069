"""A version stands with its scores or not at all; who objects is in neither."""

from __future__ import annotations

from datetime import timedelta

import pytest

from touchloop.consent import api as consent
from touchloop.core import db
from touchloop.core.errors import Invalid, NotFound
from touchloop.insight.models import api, keeping
from touchloop.insight.models.tests.conftest import NOON, World, put, says
from touchloop.insight.scores import api as scores

LATER = NOON + timedelta(days=1)


def trained(conn: db.Connection, kind: api.Kind) -> api.VersionInfo:
    found = api.train(conn, kind, now=NOON)
    assert found is not None
    return found


def values(conn: db.Connection) -> dict[int, float]:
    rows = conn.execute("SELECT customer_id, value FROM scores WHERE name = 'above_mean'")
    return dict(rows.fetchall())


def test_a_version_keeps_everything_that_was_found(conn: db.Connection, kind: api.Kind) -> None:
    put(conn, {1: 10.0, 2: 20.0, 3: 60.0})
    put(conn, {4: 1e9}, allowed=0)
    told: dict[str, list[int]] = {}
    found = api.train(conn, kind, now=NOON, touched=lambda conn, changed: told.update(changed))
    assert found is not None
    assert (found.number, found.state, found.word, found.seed) == (1, "in_use", "", 1)
    assert (found.n, found.people, found.everybody, found.scored) == (3, 3, 4, 3)
    assert found.parameters == {"mean": 30.0, "when": [1, 2]}
    assert found.key == api.Metric("AUC", 0.8, 0.78, 0.82, 100, 0.7, "recency")
    assert found.words == ("a mean is no model",)
    assert found.score_names == ["above_mean"]
    assert values(conn) == {1: -20.0, 2: -10.0, 3: 30.0}
    assert {name: sorted(ids) for name, ids in told.items()} == {"above_mean": [1, 2, 3]}
    (score,) = scores.of_customer(conn, 3)
    assert (score.version, score.computed_at) == (found.id, NOON)
    assert api.current(conn, "mean") == found == api.version(conn, "mean", 1)
    assert api.learned(conn, found.id).blob == b"learned"


def test_who_does_not_allow_profiling_is_out_of_inputs_and_scores_at_the_next_run(
    conn: db.Connection, kind: api.Kind, world: World
) -> None:
    put(conn, {1: 10.0, 2: 20.0, 3: 60.0})
    trained(conn, kind)
    assert world.seen == [1, 2, 3]
    put(conn, {3: 60.0}, allowed=0)
    found = trained(conn, kind)
    assert (world.seen, found.n, found.parameters["mean"]) == ([1, 2], 2, 15.0)
    assert set(values(conn)) == {1, 2}
    put(conn, {1: 10.0, 2: 20.0}, allowed=0)  # nobody is left: nothing is learned, all is taken out
    assert api.train(conn, kind, now=LATER) is None
    assert (world.seen, values(conn)) == ([], {})


def test_scores_go_between_two_runs_too(conn: db.Connection, kind: api.Kind) -> None:
    put(conn, {1: 10.0, 2: 20.0, 3: 60.0})
    trained(conn, kind)
    scores.write(conn, "counted", [(3, 1.0, "{}")], now=NOON)
    assert api.withdraw(conn) == {}
    put(conn, {3: 60.0}, allowed=0)
    assert api.withdraw(conn) == {"above_mean": [3]}
    assert set(values(conn)) == {1, 2}
    assert [score.name for score in scores.of_customer(conn, 3)] == ["counted"]


def test_who_refused_one_category_is_decided_by_himself(conn: db.Connection) -> None:
    put(conn, {1: 1.0, 2: 2.0, 3: 3.0})
    put(conn, {4: 4.0}, allowed=0)
    consent.record_use(
        conn,
        [
            consent.UseGrant(2, "profile", "denied", 1, NOON, "behaviour"),
            consent.UseGrant(2, "profile", "granted", 1, NOON, ""),
            consent.UseGrant(4, "profile", "granted", 1, NOON, "behaviour"),
        ],
    )

    def of(*categories: str) -> list[int]:
        found: list[int] = api.people(conn, "profile", categories).column(0).to_pylist()
        return found

    assert of() == [1, 3]  # all that is treated like purchases: one refusal is enough
    assert of("bought") == [1, 2, 3]
    assert of("behaviour") == [1, 3, 4]
    with pytest.raises(Invalid, match="survey: never used for profile"):
        of("bought", "survey")
    with pytest.raises(Invalid, match="no purpose"):
        api.people(conn, "world domination")


def test_silence_counts_as_the_policy_says(conn: db.Connection) -> None:
    """Purchases may be used to measure unless somebody objects; behaviour only when he agreed."""
    bit = consent.BIT["measure"]
    put(conn, {1: 1.0, 2: 2.0}, allowed=bit)
    consent.record_use(conn, [consent.UseGrant(2, "measure", "granted", 1, NOON, "")])
    assert api.people(conn, "measure").column(0).to_pylist() == [1, 2]
    assert api.people(conn, "measure", ["behaviour"]).column(0).to_pylist() == [2]


def test_what_the_policy_never_allows_is_refused_with_its_reason(
    conn: db.Connection, kind: api.Kind, world: World
) -> None:
    put(conn, {1: 10.0, 2: 20.0})
    asked = (
        api.Feature("spend", "Order Completed", "bought"),
        api.Feature("nps", "Survey Answered", "survey"),
        api.Feature("aura", "a feeling", "auras"),
    )
    vetted = api.vetted(asked, "profile")
    assert [feature.refused for feature in vetted] == [
        "", "survey is never used for profile", "auras is never used for profile",
    ]  # fmt: skip
    world.features = vetted
    assert trained(conn, kind).state == "in_use"
    world.features = asked  # learned all the same
    found = trained(conn, kind)
    assert (found.state, found.usable) == ("failed", False)
    assert found.word == "it uses nps: survey is never used for profile"
    assert found.features[1].refused
    used = api.current(conn, "mean")
    assert used is not None and used.number == 1
    with pytest.raises(Invalid, match="survey"):
        api.roll_back(conn, "mean", 2, by=None)


def test_nothing_trains_on_simulated_answers_unless_it_says_so(
    conn: db.Connection, kind: api.Kind, world: World
) -> None:
    put(conn, {1: 10.0})
    world.simulated = True
    found = trained(conn, kind)
    assert (found.state, found.word) == (
        "failed",
        "it learned from simulated answers, which it must not",
    )
    assert values(conn) == {}
    found = trained(conn, says(kind, learns_from_answers=True))
    assert (found.state, found.simulated) == ("in_use", True)


def test_a_kind_uses_the_categories_that_it_declares(
    conn: db.Connection, kind: api.Kind, world: World
) -> None:
    put(conn, {1: 10.0})
    world.features = (api.Feature("pages", "Page", "behaviour"),)
    found = trained(conn, says(kind, categories=("bought",)))
    assert (found.state, found.word) == (
        "failed",
        "it uses pages (behaviour), which it does not declare",
    )


def test_one_falls_back_to_an_older_version(
    conn: db.Connection, kind: api.Kind, world: World
) -> None:
    put(conn, {1: 10.0, 2: 20.0})
    trained(conn, kind)
    put(conn, {2: 40.0})
    trained(conn, kind)
    assert values(conn) == {1: -15.0, 2: 15.0}
    back = api.roll_back(conn, "mean", 1, by=None, now=NOON)
    assert (back.number, back.state) == (1, "in_use")
    assert [(v.number, v.state) for v in api.versions(conn, "mean")] == [
        (2, "rolled_back"),
        (1, "in_use"),
    ]
    (due,) = api.due(conn, [kind], NOON)
    assert due.act == "score"
    conn.commit()
    run = api.attempt(conn, kind, due.act, now=NOON)
    assert run is not None and run.outcome == "done"
    assert values(conn) == {1: -5.0, 2: 25.0}
    with pytest.raises(Invalid, match="in use already"):
        api.roll_back(conn, "mean", 1, by=None)
    with pytest.raises(NotFound):
        api.roll_back(conn, "mean", 9, by=None)


def test_old_versions_let_go_what_they_learned_but_keep_their_card(
    conn: db.Connection, kind: api.Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "WHOLE", 2)
    put(conn, {1: 10.0})
    for _ in range(4):
        trained(conn, kind)
    gone = [version.number for version in api.versions(conn, "mean") if not version.usable]
    assert gone == [2, 1]
    with pytest.raises(NotFound, match="not kept"):
        api.learned(conn, api.version(conn, "mean", 1).id)
    with pytest.raises(Invalid, match="cannot be used"):
        api.roll_back(conn, "mean", 1, by=None)


def test_what_is_no_number_is_no_score(conn: db.Connection, kind: api.Kind) -> None:
    put(conn, {1: 10.0, 2: float("nan")})
    put(conn, {3: 20.0})
    found = trained(conn, kind)
    assert found.parameters["mean"] == 15.0
    assert values(conn) == {1: -5.0, 3: 5.0}


def test_drift_says_what_moved(conn: db.Connection, kind: api.Kind) -> None:
    put(conn, {id: float(id) for id in range(1, 101)})
    assert trained(conn, kind).drift.get("scores") == {}
    found = api.score(conn, kind, now=LATER)
    assert found is not None and found.drift["scores"] == {"above_mean": 0.0}
    put(conn, {id: float(id * 3) for id in range(1, 101)})
    found = trained(conn, kind)
    assert found.drift["inputs"]["spend"] > api.MOVED_MUCH
    assert found.drift["since"] == 1
