"""What other rooms may call."""

from __future__ import annotations

from touchloop.lake.compact import Compaction, compact
from touchloop.lake.engines.base import BOUND, MOVED, Engine, Stopped
from touchloop.lake.engines.chosen import engine, engine_name
from touchloop.lake.engines.duckdb import DuckDB, duckdb_engine
from touchloop.lake.erasing import erase_subjects
from touchloop.lake.export import export, export_batches
from touchloop.lake.literals import NOW, among, at, before_now, json_text, lit
from touchloop.lake.reading import copy_in_pieces, copy_to_arrow, read_arrays, read_columns
from touchloop.lake.rebuild import content_hash, rebuild
from touchloop.lake.runs import load
from touchloop.lake.steps import Analysis, Relation, Step, statement
from touchloop.lake.tables import (
    INTERACTIONS,
    LINES,
    SCHEMAS,
    TABLES,
    Lake,
    Rows,
    here,
    stored_bytes,
)
from touchloop.lake.watching import watched

__all__ = [
    "NOW",
    "among",
    "at",
    "before_now",
    "json_text",
    "lit",
    "Analysis",
    "Relation",
    "Step",
    "statement",
    "BOUND",
    "INTERACTIONS",
    "LINES",
    "MOVED",
    "SCHEMAS",
    "TABLES",
    "Compaction",
    "DuckDB",
    "Engine",
    "Lake",
    "Rows",
    "Stopped",
    "compact",
    "content_hash",
    "copy_in_pieces",
    "read_arrays",
    "read_columns",
    "copy_to_arrow",
    "duckdb_engine",
    "engine",
    "engine_name",
    "erase_subjects",
    "export",
    "export_batches",
    "here",
    "load",
    "rebuild",
    "watched",
    "stored_bytes",
]
