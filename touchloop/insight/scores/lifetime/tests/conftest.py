"""CDNOW as the package `lifetimes` (a development dependency) brings it; it is not carried here."""

from __future__ import annotations

import csv
import importlib.util
from pathlib import Path

import numpy as np
import pytest

from touchloop.insight.scores.lifetime.grouping import Floats


def folder() -> Path:
    spec = importlib.util.find_spec("lifetimes")
    if spec is None or spec.origin is None:
        pytest.skip("CDNOW comes with the package lifetimes, which is not installed")
    return Path(spec.origin).parent / "datasets"


@pytest.fixture(scope="session")
def summary() -> tuple[Floats, Floats, Floats, Floats]:
    """x, tx, T in weeks and the mean value, rounded as it was published: 2,357 customers."""
    with (folder() / "cdnow_customers_summary_with_transactions.csv").open() as file:
        rows = [[float(cell) for cell in row[1:]] for row in list(csv.reader(file))[1:]]
    x, tx, T, z = np.array(rows).T
    return x, tx, T, z


@pytest.fixture(scope="session")
def raw_log() -> Path:
    """The raw sample log: two numbers of the customer, day, units, value; no header."""
    return folder() / "CDNOW_sample.txt"
