"""What goes out, goes out once, whoever dies meanwhile: forty kills of those who deliver."""

from __future__ import annotations

import os
import random

import pytest

from tests.crash import posting

pytestmark = pytest.mark.crash

KILLS = int(os.environ.get("TOUCHLOOP_POST_KILLS", "40"))


def test_no_offer_goes_out_twice_and_each_step_is_done_once() -> None:
    report = posting.run(kills=KILLS, seed=random.randrange(10**6))
    assert report.kills == KILLS and report.customers == KILLS * posting.A_ROUND
    assert report.taken > report.customers
    assert report.duplicates == []
    assert report.unlisted == []
    assert report.uncertain > 0, "no kill met an offer on its way: the test shows nothing"
    assert report.unserved == []
    assert report.wrong_steps == []
