"""What is acknowledged is durable; what happens, happens once: under sixty kills."""

from __future__ import annotations

import os
import random

import pytest

from tests.crash import lab

pytestmark = pytest.mark.crash

KILLS = int(os.environ.get("TOUCHLOOP_KILLS", "60"))


def test_nothing_acknowledged_is_lost_and_nothing_happens_twice() -> None:
    report = lab.run(
        kills=KILLS, targets=("door", "worker", "database"), seed=random.randrange(10**6)
    )
    assert report.acknowledged > 500
    assert report.lost == 0
    assert report.double_effects == []


def test_the_lab_can_fail() -> None:
    """With commits that do not wait for the disk, the same lab must report loss."""
    report = lab.run(kills=6, targets=("database",), seed=random.randrange(10**6), durable=False)
    assert report.lost > 0
