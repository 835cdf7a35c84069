"""Working with segments in a real browser: every page at every width, in both themes."""

from __future__ import annotations

import os
import re
from datetime import timedelta

import numpy as np
import pytest
from django.test import Client
from playwright.sync_api import expect

from touchloop.console.conftest import Send, told
from touchloop.console.segments.tests.test_segments import make
from touchloop.console.tests.browser.conftest import (
    TOO_WIDE,
    Open,
    Shot,
    browser,
    open_as,
    settled,
    shot,
    window,
)
from touchloop.core import clock, db
from touchloop.flow import api as flow
from touchloop.insight.likeness import api as likeness
from touchloop.insight.models import api as models
from touchloop.insight.paths.api import KINDS

__all__ = ["browser", "open_as", "shot", "window"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
DEPARTMENTS = ("DELI", "BAKERY", "DAIRY", "PRODUCE", "WINE", "PET", "BABY")
STEPS = ("Message Opened", "Product Viewed", "Product Added", "Coupon Shown")


@pytest.fixture
def scene(admin: Client, send: Send) -> list[int]:
    """A hundred and twenty customers, four segments, a comparison, lookalikes and paths."""
    random, now = np.random.default_rng(5), clock.now()
    messages = []
    for id in range(120):
        user, likes = f"c{id}", random.choice(DEPARTMENTS, 3, replace=False)
        messages.append(
            told(user, name=f"Customer {id}", town=str(random.choice(["Porto", "Lyon"])))
        )
        days = 170.0
        for _visit in range(int(random.integers(2, 6))):
            days -= float(random.integers(8, 30))
            for step in random.choice(STEPS, int(random.integers(0, 4)), replace=False):
                days -= 0.7
                at = (now - timedelta(days=days)).isoformat()
                messages.append(
                    {"type": "track", "event": str(step), "userId": user, "timestamp": at}
                )
            if days < 5 or random.random() < 0.4:
                continue
            products = [{"product_id": str(x), "name": str(x).title(), "department": str(x),
                         "price": 5} for x in likes]  # fmt: skip
            messages.append({"type": "track", "event": "Order Completed", "userId": user,
                             "timestamp": (now - timedelta(days=days - 1)).isoformat(),
                             "properties": {"total": 15, "products": products}})  # fmt: skip
    send(*messages)
    with db.connect() as conn:
        conn.execute("UPDATE customers SET allowed = 255")
        conn.commit()
        flow.export_all(conn)
    ids = [make(admin, each.title(), each) for each in ("DELI", "WINE", "PET", "BABY")]
    with db.connect() as conn:
        for days, members in ((40, 20), (30, 24), (12, 31), (6, 29), (2, 35)):
            conn.execute(
                "INSERT INTO segment_sizes (segment_id, hour, members) VALUES (%s, %s, %s)",
                (ids[0], now - timedelta(days=days), members),
            )
        likeness.ask(conn, ids[0], 0, by=None, now=now)
        models.ask(conn, f"{likeness.PREFIX}{ids[0]}", by=None)
        conn.commit()
        flow.attend_segments(conn)
        for kind in (*likeness.kinds(conn), *KINDS):
            models.attempt(conn, kind)
    return ids


def test_every_page_fits_its_charts_are_drawn_and_a_size_is_slid(
    open_as: Open, scene: list[int], shot: Shot
) -> None:
    one = scene[0]
    pages = {
        "moves": (f"/segments/{one}/moves/", "#size"),
        "overlap": ("/segments/overlap/?" + "&".join(f"s={id}" for id in scene), "#overlap"),
        "apart": (f"/segments/{one}/apart/", "#apart"),
        "alike": (f"/segments/{one}/alike/?size=12", "#weights"),
        "paths": ("/insight/paths/", "#graph"),
        "export": (f"/segments/{one}/export/", ""),
        "rule": (f"/segments/{one}/rule/", ""),
        "why": (f"/segments/{one}/why/?q=Customer 1", ""),
    }
    widths = ((1440, False), (390, True)) if os.environ.get("TOUCHLOOP_SHOTS") else ((390, True),)
    for width, dark in widths:
        page = open_as("admin", "/segments/", width=width, dark=dark)
        for name, (address, chart) in pages.items():
            page.goto(address)
            settled(page)
            if chart:
                expect(page.locator(f"{chart} .chart-plot svg")).to_be_visible()
            assert page.evaluate(TOO_WIDE) <= 0, (name, width)
            shot(page, f"{name}-{width}")
    page.goto(f"/segments/{one}/alike/")
    page.locator("#alike-range").fill("20")
    expect(page).to_have_url(re.compile("size=20$"))
    expect(page.locator("output")).to_have_text("20")
