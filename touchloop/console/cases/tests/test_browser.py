"""Round the pages of surveys, scorecards and cases in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from touchloop.console.surveys.tests.conftest import Scene
from touchloop.console.tests.browser.conftest import (
    TOO_WIDE,
    Open,
    Shot,
    browser,
    looks,
    open_as,
    shot,
    window,
)

__all__ = ["browser", "open_as", "shot", "window"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_from_a_region_to_an_answer_to_its_case_and_its_end(
    open_as: Open, scene: Scene, shot: Shot
) -> None:
    page = open_as("admin", "/scorecards/?days=90")
    shot(page, "scorecards-regions")
    page.get_by_role("link", name="North").click()
    expect(page.locator("#funnel .chart-plot svg")).to_be_visible()
    shot(page, "scorecards-region")
    page.get_by_role("link", name="Store 330").click()
    expect(page.get_by_role("heading", name="Latest answers")).to_be_visible()
    shot(page, "scorecards-store")
    page.get_by_role("link", name=re.compile("^All 12 answers")).click()
    page.get_by_role("link", name="Poor ones").click()
    expect(page.locator(".answer-score")).to_have_count(3)
    shot(page, "scorecards-answers")
    page.keyboard.press("g")
    page.keyboard.press("a")
    expect(page).to_have_url(re.compile("/cases/$"))
    shot(page, "cases")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/cases/\d+/$"))
    page.get_by_role("button", name="Take it myself").click()
    expect(page.locator(".toast")).to_contain_text("owns the case")
    page.locator("#case-note-text").fill("Called; comes on Friday.")
    page.get_by_role("button", name="Keep the note").click()
    page.locator(".case-clock").scroll_into_view_if_needed()
    shot(page, "case")
    page.keyboard.press("n")
    dialog = page.locator("#case-close")
    dialog.locator("textarea").fill("A voucher, and an apology.")
    shot(page, "case-close")
    dialog.get_by_role("button", name="Close the case").click()
    expect(page.locator(".toast").last).to_contain_text("asked how it was")
    shot(page, "case-closed")
    page.locator(".toast").last.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Wait for the customer")).to_be_visible()


def test_a_survey_is_made_with_its_preview(open_as: Open, scene: Scene, shot: Shot) -> None:
    page = open_as("admin", "/surveys/")
    shot(page, "surveys")
    page.keyboard.press("n")
    expect(page).to_have_url(re.compile("/surveys/new/$"))
    page.get_by_label("Question", exact=True).fill("How was the cheese?")
    expect(page.locator(".survey-page h1")).to_have_text("How was the cheese?")
    page.get_by_label("Name", exact=True).fill("Cheese")
    shot(page, "survey-form")
    page.get_by_role("button", name="Make the survey").click()
    expect(page.get_by_role("button", name="Start asking")).to_be_visible()
    shot(page, "survey-questions")
    page.get_by_role("link", name="Codes for places").click()
    page.locator("#place").select_option("store~330")
    expect(page.locator(".survey-code img")).to_be_visible()
    shot(page, "survey-code")
    page.goto(f"/surveys/{scene.survey.id}/")
    shot(page, "survey-answers")
    page.get_by_role("link", name="Who was asked").click()
    page.locator("td.end a").first.click()
    expect(page.locator("#people")).to_be_visible()
    shot(page, "survey-asked")


def test_they_fit_a_phone_and_the_dark(open_as: Open, scene: Scene, shot: Shot) -> None:
    id = scene.survey.id
    page = open_as("admin", "/cases/")
    case = page.locator("a.lead").first.get_attribute("href")
    assert case
    pages = {
        "scorecards": "/scorecards/?by=location",
        "store": "/scorecards/place/?kind=nps&region=North&place=330",
        "surveys": "/surveys/",
        "survey": f"/surveys/{id}/",
        "asked": f"/surveys/{id}/asked/",
        "questions": f"/surveys/{id}/questions/",
        "form": "/surveys/new/",
        "code": f"/surveys/{id}/codes/?place=store~330",
        "cases": "/cases/",
        "case": case,
    }
    for name, path in pages.items():
        for look in looks(page, path, 390, 1440):
            shot(page, f"{look}-{name}")
            assert page.evaluate(TOO_WIDE) <= 0, f"{path} is {page.evaluate(TOO_WIDE)} px too wide"
