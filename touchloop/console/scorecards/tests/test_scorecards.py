"""Scorecards: from region to store to answers; intervals, hiding, simulation, scope, download."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable

import pytest
from django.core.cache import cache
from django.test import Client

from touchloop.console.scorecards import figures
from touchloop.console.surveys.tests.conftest import (
    HOSTILE,
    SCORES,
    STORES,
    Make,
    Scene,
    subjects_of,
    users_answer,
)
from touchloop.core import db
from touchloop.core.accounts.models import Staff
from touchloop.experience.scorecards.api import net

pytestmark = pytest.mark.django_db(transaction=True)
SignIn = Callable[[str], Client]


def page(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, answer.content.decode()[:600]
    text = answer.content.decode()
    assert HOSTILE not in text
    return text


def table(client: Client, words: str) -> list[dict[str, str]]:
    answer = client.get(f"/scorecards/table.csv?{words}")
    assert answer["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(answer.content.decode().splitlines()))


def manager(sign_in: SignIn, *stores: str) -> Client:
    client = sign_in("store_manager")
    Staff.objects.filter(role="store_manager").update(locations=list(stores))
    return client


def test_nobody_answered(admin: Client, sign_in: SignIn) -> None:
    assert "Nobody has answered yet" in page(admin, "/scorecards/")
    assert "No store is assigned" in page(sign_in("store_manager"), "/scorecards/")
    page(admin, "/scorecards/place/?region=x&place=y", 404)


def test_regions_lead_to_stores_and_stores_to_answers(admin: Client, scene: Scene) -> None:
    text = page(admin, "/scorecards/")
    assert "North" in text and "by=location&amp;region=North" in text
    stores = page(admin, "/scorecards/?kind=nps&by=location&region=North")
    assert "Region North" in stores and "Store 330" in stores and "Store 412" not in stores
    store = page(admin, "/scorecards/place/?kind=nps&region=North&place=330")
    assert "Store 330" in store and store.count('class="answer-score"') == 10
    answers = page(admin, "/scorecards/answers/?kind=nps&region=North&place=330")
    assert answers.count('class="answer-score"') == 12 and "Store 331" not in answers
    north = page(admin, "/scorecards/answers/?kind=nps&region=North&poor=1")
    assert north.count('class="answer-score"') == 6 and "Customer 331-" in north
    for cut in ("touchpoint", "stage"):
        assert "score-bar-drawn" in page(admin, f"/scorecards/?by={cut}")


def test_each_score_has_its_number_and_its_interval(admin: Client, scene: Scene) -> None:
    text = page(admin, "/scorecards/?by=location")
    expected = net(6, 3, 3)
    assert f"SE {expected.se:.1f}" in text and "score-bar-range" in text
    rows = {row["location"]: row for row in table(admin, "by=location")}
    row = rows["330"]
    assert row["answers"] == "12" and float(row["value"]) == pytest.approx(25)
    assert float(row["standard_error"]) == pytest.approx(expected.se, abs=0.001)
    assert row["response"] == "1.0" and row["in_worst_tenth"]
    assert rows["500"]["hidden"] == "yes"


def test_what_few_said_is_hidden_everywhere(admin: Client, scene: Scene) -> None:
    text = page(admin, "/scorecards/")
    west = text.split(">West<")[1].split("</tr>")[0]
    assert "fewer than 5 answers" in west and "answers/" not in west
    place = page(admin, "/scorecards/place/?kind=nps&region=West&place=500")
    assert "Fewer than 5 answers" in place and 'class="answer-score"' not in place
    hidden = [row for row in table(admin, "by=region") if row["hidden"] == "yes"]
    assert [row["region"] for row in hidden] == ["East", "West"]
    assert all(row["answers"] == "" and row["value"] == "" for row in hidden)


def test_simulated_answers_are_marked_and_can_be_left_out(admin: Client, scene: Scene) -> None:
    text = page(admin, "/scorecards/?by=location")
    assert "12 of 54 answers are simulated" in text
    store = text.split("Store 413</bdi>")[1].split("</tr>")[0]
    assert "badge-hatched" in store
    without = page(admin, "/scorecards/?by=location&without=simulation")
    assert "are simulated" not in without and "badge-hatched" not in without
    answers = page(admin, "/scorecards/answers/?kind=nps&days=30")
    assert "Some of these answers are simulated" in answers
    assert "Store 413" not in page(admin, "/scorecards/answers/?kind=nps&without=simulation")


def test_the_funnel_has_every_unit_and_its_limits(admin: Client, scene: Scene) -> None:
    text = page(admin, "/scorecards/?by=location")
    found = re.search(r'<script id="funnel_option"[^>]*>(.*?)</script>', text, re.S)
    assert found
    chart = json.loads(found[1])
    lines = [each for each in chart["series"] if each["type"] == "line"]
    points = [
        point for each in chart["series"] if each["type"] == "scatter" for point in each["data"]
    ]
    assert len(lines) == 5
    shown = [row for row in table(admin, "by=location") if row["zone"]]
    assert len(points) == len(shown) == 4
    assert all(point["value"][0] == 12 and point["url"] for point in points)


def test_shares_are_percentages_on_every_scale(
    admin: Client, stores: dict[str, list[str]], make: Make
) -> None:
    survey = make("easy", "csat")
    with db.connect() as conn:
        for store in ("330", "331", "412"):
            users_answer(
                conn, survey, subjects_of(conn, stores[store]), store=store,
                scores=[1 if score < 7 else 5 for score in SCORES],
            )  # fmt: skip
        conn.commit()
    (row, *_) = table(admin, "kind=csat&by=location")
    assert float(row["value"]) == pytest.approx(75)
    assert 60 < float(row["shrunken"]) < 90
    assert float(row["funnel_low95"]) < 75 < float(row["funnel_high95"])
    text = page(admin, "/scorecards/?by=location")
    assert "47 % to 91 %" in text and "Satisfied (CSAT)" in text


def test_managers_see_their_own_stores_only(sign_in: SignIn, scene: Scene) -> None:
    client = manager(sign_in, "330")
    text = page(client, "/scorecards/")
    assert "Store 330" in text and "Store 331" not in text and "your own stores: 330" in text
    assert {row["location"] for row in table(client, "by=location")} == {"330"}
    page(client, "/scorecards/place/?kind=nps&region=North&place=331", 404)
    other = page(client, "/scorecards/answers/?kind=nps&region=North&place=331")
    assert 'class="answer-score"' not in other
    every = page(client, "/scorecards/answers/?kind=nps")
    assert every.count('class="answer-score"') == 12 and "Customer 331-" not in every


def test_a_name_is_no_formula_and_an_address_no_weapon(admin: Client, scene: Scene) -> None:
    with db.connect() as conn:
        conn.execute("UPDATE touchpoints SET region = '=1+1', name = %s", (HOSTILE,))
        conn.commit()
    assert {row["region"] for row in table(admin, "by=region")} == {"'=1+1"}
    page(admin, "/scorecards/?by=location")
    page(admin, "/scorecards/?by=x&kind=y&days=z&region=&place=%00")
    page(admin, f"/scorecards/answers/?kind=nps&region={HOSTILE}&stage=x")


def test_figures_are_written_as_people_read_them() -> None:
    assert figures.value("nps", -12.4) == "−12" and figures.value("nps", 0.3) == "0"
    assert figures.value("csat", 83.4) == "83 %" and figures.value("nps", None) == "–"
    assert len(STORES) == 6


def test_a_trend_has_its_months_and_intervals(admin: Client, scene: Scene) -> None:
    with db.connect() as conn:
        conn.execute("DELETE FROM answers WHERE location IN ('500', '600')")
        conn.execute("UPDATE answers SET answered_at = now() - interval '70 days' WHERE id % 2 = 0")
        conn.commit()
    cache.clear()
    text = page(admin, "/scorecards/place/?kind=nps&region=North&place=330")
    found = re.search(r'<script id="trend_option"[^>]*>(.*?)</script>', text, re.S)
    assert found
    series = json.loads(found[1])["series"]
    assert [each["name"] for each in series] == ["interval", "score"]
    band, value = (each["data"] for each in series)
    assert all(lo <= mid <= hi for (_at, lo, hi), mid in zip(band, value, strict=True))
    assert "polyline" in page(admin, "/scorecards/?by=location")
