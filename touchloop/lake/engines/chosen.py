"""Which engine answers: TOUCHLOOP_ENGINE says it, and nothing above the lake needs to know."""

from __future__ import annotations

import os

import pyarrow as pa

from touchloop.core.errors import WrongSetting
from touchloop.lake.engines.base import Engine
from touchloop.lake.engines.duckdb import duckdb_engine
from touchloop.lake.tables import Lake

NAMES = ("duckdb", "spark")


def engine_name(name: str | None = None) -> str:
    """The engine asked for, else TOUCHLOOP_ENGINE: duckdb (in this process, the default) or spark.

    Raises WrongSetting for a name that is none, and when Spark lacks what it needs.
    """
    given = (name or os.environ.get("TOUCHLOOP_ENGINE", "")).strip().lower() or "duckdb"
    if given not in NAMES:
        raise WrongSetting(f"TOUCHLOOP_ENGINE must be one of {', '.join(NAMES)}, not {given!r}")
    if given == "spark":
        from touchloop.lake.engines import spark_session

        spark_session.check()
    return given


def engine(
    *,
    lake: Lake | None = None,
    moved: pa.Table | None = None,
    threads: int | None = None,
    memory_mb: int | None = None,
    name: str | None = None,
    **bound: pa.Table,
) -> Engine:
    """The chosen engine over the newest version of the lake.

    `moved` maps subjects that belong to a customer of another id; `customers`, `members` and
    `scores` come as Arrow tables and are empty when not given. The files are those of this moment:
    rows exported later are not seen. `threads` and `memory_mb` bound an engine in this process.
    Raises WrongSetting when what the chosen engine needs is not there.
    """
    if engine_name(name) == "spark":
        from touchloop.lake.engines.spark import spark_engine

        return spark_engine(lake=lake, moved=moved, **bound)
    return duckdb_engine(lake=lake, moved=moved, threads=threads, memory_mb=memory_mb, **bound)
