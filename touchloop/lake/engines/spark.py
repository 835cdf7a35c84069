"""Apache Spark over the same Delta tables, in this process's JVM, a cluster's, or by Connect.

Spark reads the files that Delta's own log names as active: docs/decisions/0030 says why.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import pyarrow as pa

from touchloop.core.errors import WrongSetting
from touchloop.lake import tables
from touchloop.lake.engines import spark_session
from touchloop.lake.engines.base import BOUND, MOVED, Params, Stopped, plain, relation, without
from touchloop.lake.engines.spark_dialect import SPARK
from touchloop.lake.tables import INTERACTIONS, LINES, Lake

_numbers = itertools.count(1)


class Spark:
    """A session of its own on the Spark of this process; `session` is Spark's own."""

    dialect = "spark"

    def __init__(self) -> None:
        self.session = spark_session.new_session()
        self._remote = spark_session.remote()
        self._tag = f"touchloop-{os.getpid()}-{next(_numbers)}"
        self.lake: dict[str, str] = {}  # what the relations of the lake are made of
        self._bound: dict[str, Any] = {}
        self._kept: dict[str, Any] = {}
        self._running = threading.Event()
        self._ended = threading.Event()
        self._asked_to_stop = False
        self._seen: float | None = None
        self._group = ""
        if self._remote:
            self.session.registerProgressHandler(self._told)

    def bind(self, name: str, table: pa.Table) -> None:
        self._name(name, self.session.createDataFrame(plain(table)))

    def view(self, name: str, query: str) -> None:
        self._name(name, self.session.sql(SPARK.spoken(query)))

    def keep(self, name: str, query: str, params: Params = None) -> None:
        with self._run():
            kept = self.session.sql(SPARK.spoken(query, params)).persist()
            kept.count()
        self._name(name, kept)
        self._kept[name] = kept

    def leave_out(self, ids: pa.Table) -> None:
        self.bind("left_out", ids)
        for name, source in self.lake.items():
            self.view(name, without(source))

    def query(self, query: str, params: Params = None) -> pa.Table:
        with self._run():
            return plain(self.session.sql(SPARK.spoken(query, params)).toArrow())

    def rows(self, query: str, params: Params = None) -> list[tuple[Any, ...]]:
        columns = [column.to_pylist() for column in self.query(query, params).columns]
        return list(zip(*columns, strict=True))

    def explain(self, query: str) -> str:
        found = self.session.sql(f"EXPLAIN FORMATTED {SPARK.spoken(query)}").toArrow()
        return "\n".join(map(str, found.column(0).to_pylist()))

    def files(self, name: str, paths: Sequence[str], schema: pa.Schema) -> None:
        """Make Parquet files readable under a name; none are an empty table."""
        if not paths:
            self.bind(name, schema.empty_table())
            return
        columns = ", ".join(f"{field.name} {_WORDS[field.type]}" for field in schema)
        self._name(name, self.session.read.schema(columns).parquet(*paths))

    def interrupt(self) -> None:
        if self._running.is_set() and not self._asked_to_stop:
            self._asked_to_stop = True
            asked = (self._group, self._ended)  # the next query has others
            threading.Thread(target=self._insist, args=asked, daemon=True).start()

    def progress(self) -> float | None:
        if not self._running.is_set():
            return None
        if not self._remote:
            self._see(_tasks(self.session.sparkContext.statusTracker(), self._group))
        return self._seen

    def close(self) -> None:
        for kept in self._kept.values():
            kept.unpersist()
        for name in self._bound:
            self.session.catalog.dropTempView(name)
        self._kept, self._bound = {}, {}
        if self._remote:
            self.session.stop()  # this client's session on the server; the server stays

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _name(self, name: str, frame: Any) -> None:
        if old := self._kept.pop(name, None):
            old.unpersist()
        frame.createOrReplaceTempView(name)
        self._bound[name] = frame

    @contextmanager
    def _run(self) -> Iterator[None]:
        """A query that `progress` and `interrupt` find, by its group or tag."""
        self._asked_to_stop, self._seen = False, None
        self._group = f"{self._tag}-{next(_numbers)}"
        if self._remote:
            self.session.addTag(self._group)
        else:  # a tag of a session on this process's Spark counts for its own thread only
            self.session.sparkContext.setJobGroup(self._group, "touchloop", interruptOnCancel=True)
        self._ended = threading.Event()
        self._running.set()
        try:
            yield
        except Exception as error:
            if self._asked_to_stop:
                raise Stopped("the query was stopped") from error
            raise
        finally:
            self._running.clear()
            self._ended.set()
            if self._remote:
                self.session.removeTag(self._group)

    def _insist(self, group: str, ended: threading.Event) -> None:
        """Stop the query's jobs until it ended: between two of them there is none to stop."""
        while not ended.wait(0.05):
            if self._remote:
                self.session.interruptTag(group)
            else:
                self.session.sparkContext.cancelJobGroup(group)

    def _told(self, stages: Sequence[Any] | None, **more: Any) -> None:
        """What the server of Spark Connect says while a query runs; it gives its words by name."""
        self._see([(stage.num_completed_tasks, stage.num_tasks) for stage in stages or ()])

    def _see(self, tasks: Sequence[tuple[int, int]]) -> None:
        """Further jobs of a query are found out while it runs; what was said is not taken back."""
        total = sum(whole for _, whole in tasks)
        if total:
            self._seen = max(self._seen or 0.0, sum(done for done, _ in tasks) / total)


def spark_engine(
    *, lake: Lake | None = None, moved: pa.Table | None = None, **bound: pa.Table
) -> Spark:
    """Spark over the newest version of the lake, with the relations that segment SQL reads.

    Means the same as `duckdb_engine`; threads and memory are the cluster's own affair.
    """
    lake = lake or tables.here()
    unknown = bound.keys() - BOUND.keys()
    if unknown:
        raise TypeError(f"not a relation of the lake: {', '.join(unknown)}")
    made = Spark()
    try:
        merged = moved is not None and moved.num_rows > 0
        made.bind("moved", moved if moved is not None else MOVED.empty_table())
        for name in (INTERACTIONS, LINES):
            table = tables.open_table(name, lake=lake)
            paths = [_path(lake, name, file.path) for file in tables.files(table)]
            made.files(f"lake_{name}", paths, tables.SCHEMAS[name])
            made.lake[name] = relation(name, f"lake_{name}", merged=merged)
            made.view(name, made.lake[name])
        for name, schema in BOUND.items():
            made.bind(name, bound.get(name, schema.empty_table()))
    except BaseException:
        made.close()
        raise
    return made


def _path(lake: Lake, name: str, path: str) -> str:
    """Where a file lies, in Hadoop's words. A name with odd signs is escaped in Delta's log."""
    if lake.folder is not None:
        return f"file://{tables.absolute(lake, name, path)}"
    parts = urlsplit(lake.table_url(name))
    scheme = _SCHEMES.get(parts.scheme)
    if scheme is None:
        raise WrongSetting(
            f"LAKE_URL: Spark reads {', '.join(_SCHEMES)}, not {parts.scheme}:// (for Azure say"
            " abfss://container@account.dfs.core.windows.net/folder)"
        )
    return f"{scheme}://{parts.netloc}{parts.path}/{path}"


def _tasks(tracker: Any, group: str) -> list[tuple[int, int]]:
    """Tasks done and to do, for each stage of a group of jobs."""
    jobs = [tracker.getJobInfo(job) for job in tracker.getJobIdsForGroup(group)]
    stages = [tracker.getStageInfo(stage) for job in jobs if job for stage in job.stageIds]
    return [(stage.numCompletedTasks, stage.numTasks) for stage in stages if stage]


_SCHEMES = {"s3": "s3a", "s3a": "s3a", "gs": "gs", "abfs": "abfs", "abfss": "abfss"}
_WORDS = {
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.string(): "STRING",
    pa.timestamp("us"): "TIMESTAMP_NTZ",
}
