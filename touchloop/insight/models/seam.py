"""The seam that every kind of model fills: what it learns from, what it found, what it says.

A kind is a value, not a class to inherit from: two functions and some words. `train` gives a
`Trained`, which the room keeps as a version; `score` gives numbers about customers, which the room
keeps with the version they came from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import pyarrow as pa

from touchloop.core.db import Connection
from touchloop.lake.api import Engine


@dataclass(frozen=True, slots=True)
class Feature:
    """One input: its name, where it comes from, which category of data it is (consent's words)."""

    name: str
    origin: str  # "Order Completed", "trait income", "score clv"
    category: str  # consent's category slug
    refused: str = ""  # why it is left out; "" while it is used


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure of quality with its spread, beside the dumb baseline that it must beat.

    The first metric of a training is its key: by it the room judges (judging.py). `low` and `high`
    bound it at 95 %. `better` says in which direction it is good: an error is better lower.
    """

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    n: int = 0
    baseline: float | None = None
    baseline_name: str = ""
    better: Literal["higher", "lower"] = "higher"


@dataclass(frozen=True, slots=True)
class Run:
    """What a training or scoring may use.

    The engine's relation `people` (customer_id) holds those who may be used for the kind's purpose:
    whoever said "do not profile me" is not in it, and every query joins it. `described` holds those
    of them who allow the kind's optional categories too.
    """

    conn: Connection
    engine: Engine
    now: datetime
    seed: int
    progress: Callable[
        [str, float], None
    ]  # a step in words, share done 0..1; raises when cancelled
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training found. `words` are outcomes that a person must read: a fit at a boundary and
    the fallback used, features refused, a model that is no better than its baseline.

    `parameters` and `curves` are kept as JSON: tuples come back as lists, what is not finite as
    None; `score` is always given them as they come back. `drift` holds for each input its deciles
    (`api.deciles`: 11 ascending numbers) or its shares by value (`api.shares`). `simulated` says
    that simulated answers are in it: only a kind that `learns_from_answers` may.
    """

    parameters: Mapping[str, Any]
    metrics: tuple[Metric, ...]
    features: tuple[Feature, ...]
    n: int
    since: datetime | None
    until: datetime | None
    words: tuple[str, ...] = ()
    curves: Mapping[str, Any] = field(default_factory=dict)  # calibration, gain: points for pages
    drift: Mapping[str, Any] = field(default_factory=dict)  # deciles of each input, to compare with
    blob: bytes | None = None
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class Scored:
    """One score of many customers: columns customer_id int64, value float64, inputs JSON text."""

    name: str
    rows: pa.Table


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of model: `name` is its slug, `sentence` says in one line what it tells about whom.

    `categories` are consent's categories of what it reads: who allows them for the purpose is in
    `people`. Empty stands for all that the policy treats as it treats purchases; then whoever
    refused any one of them is left out. `optional` are categories that it reads of those only who
    allow them as well: they are in the relation `described`.
    """

    name: str
    label: str
    sentence: str
    purpose: str  # consent's purpose, usually "profile"
    every_hours: float
    train: Callable[[Run], Trained | None]  # None: nothing to learn from yet
    score: Callable[[Run, Trained], Iterable[Scored]]
    learns_from_answers: bool = False
    categories: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
