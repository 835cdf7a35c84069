"""An import from its file to its report."""

from __future__ import annotations

import contextlib
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb

from touchloop.collect.importing import checking, deciding, matching, reading, updating, writing
from touchloop.collect.importing import mapping as mapping_
from touchloop.collect.importing.checking import Checked
from touchloop.collect.importing.mapping import Columns
from touchloop.collect.importing.report import ImportReport, Problem
from touchloop.collect.importing.writing import Context, Numbering
from touchloop.collect.models import ImportRun
from touchloop.consent.api import allowed_mask
from touchloop.core import clock, db, ids
from touchloop.interactions.api import Source, ensure
from touchloop.lake.api import DuckDB

RANKS = ("user_id", "external", "card", "email", "phone")
SHOWN_PROBLEMS = 20
WRITERS = 3  # the server and this process work at the same time

Progress = Callable[[str, int, int], None]  # what is done now, people done, people in all


def run(
    path: Path,
    *,
    mapping: Mapping[str, str] | None = None,
    source: Source | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
    actor_id: int | None = None,
) -> ImportReport:
    """Import customers from a CSV file.

    `mapping` says per heading what it means; without it the headings are guessed. With `dry_run`
    nothing about customers is written, and the report says what would be. Rows that cannot be
    imported go to `<file>.errors.csv`, with a reason, to be mended and imported again. A file that
    is imported again changes nothing. Raises Invalid for a file or a mapping that cannot be used.
    """
    started = time.perf_counter()
    source = source or default_source()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="touchloop-import-")))
        table = stack.enter_context(reading.opened(path, folder=folder))
        meaning = dict(mapping) if mapping is not None else mapping_.suggest(table.headings)
        columns = mapping_.read(table.headings, meaning, RANKS)
        kept = _begin(path, source, meaning, dry_run, actor_id)
        try:
            made = stack.enter_context(DuckDB())
            report = _Import(made.connection, columns, source, progress or _silent).perform(
                table, dry_run=dry_run
            )
            report.error_file = _write_errors(made.connection, table, path, report.errors)
        except BaseException:
            ImportRun.objects.filter(pk=kept.pk).update(state="failed", finished_at=clock.now())
            raise
    report.mapping = meaning
    report.seconds = time.perf_counter() - started
    kept.counts, kept.state, kept.finished_at = report.counts(), "done", clock.now()
    kept.save()
    return report


def default_source() -> Source:
    """Files that nobody gave a source of their own."""
    return ensure("files", name="Imported files", kind="import", trusted=False)


class _Import:
    """One import under way."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        columns: Columns,
        source: Source,
        progress: Progress,
    ) -> None:
        self.connection = connection
        self.columns = columns
        self.source = source
        self.progress = progress
        self.report = ImportReport()
        self.total = 0
        self.done = 0
        self.left: list[int] = []  # rows for identity to decide, found while writing
        self._lock = threading.Lock()

    def perform(self, table: reading.Table, *, dry_run: bool) -> ImportReport:
        self.progress("reading", 0, 0)
        self.connection.execute("set preserve_insertion_order = true")
        reading.load(self.connection, table)
        checked = checking.check(self.connection, self.columns)
        self._take(checked, dry_run)
        self.progress("matching", 0, self.total)
        with db.connect(application="touchloop import") as conn:
            after = matching.match(self.connection, conn, self.columns)
            conn.commit()
            self.report.intricate = len(self._rows(matching.INTRICATE))
            if dry_run:
                self._foretell()
            else:
                self._write(conn, after)
        return self.report

    def _take(self, checked: Checked, dry_run: bool) -> None:
        self.total = checked.people
        self.report.rows = checked.rows
        self.report.errors = checked.errors
        self.report.duplicates = checked.duplicates
        self.report.dry_run = dry_run
        found = self.connection.execute(
            f"select r, reason from problems order by r limit {SHOWN_PROBLEMS}"
        ).fetchall()
        self.report.problems = [Problem(int(r), reason) for r, reason in found]

    def _foretell(self) -> None:
        """Intricate people count by whether any of their identifiers is known."""
        new, known = self.connection.execute(
            "select count(*) filter (subject_id is null), count(*) filter (subject_id is not null)"
            " from matched"
        ).fetchall()[0]
        self.report.created, self.report.updated = int(new), int(known)

    def _write(self, conn: db.Connection, after: int) -> None:
        row = allowed_mask(conn, [0])
        conn.commit()
        context = Context(
            self.columns, self.source.id, clock.now(), ids.uuid7(), next(iter(row.values()), 0)
        )
        self._write_sets(conn, context, after)
        rows = sorted({*self._rows(matching.INTRICATE), *self.left})
        self.progress("deciding", self.done, self.total)
        created, updated, unchanged = deciding.decide(
            self.connection, conn, context, rows, allowed=allowed_mask
        )
        self.report.created += created
        self.report.updated += updated
        self.report.unchanged += unchanged

    def _write_sets(self, conn: db.Connection, context: Context, after: int) -> None:
        """Known and new customers at the same time: their rows have nothing in common."""
        self.connection.execute("create table since (namespace varchar, value varchar)")
        self.connection.execute("create table late (r bigint)")
        kinds = (matching.NEW, matching.KNOWN)
        for kind in kinds:
            self._choose(kind)
        slices = [(start, k) for k in kinds for start in range(0, self._count(k), writing.PART)]
        shared, numbering = iter(sorted(slices)), Numbering(after)
        self.connection.execute("set threads = 1")  # each writer is one
        with writing.alone(conn), ThreadPoolExecutor(WRITERS) as pool:
            works = [pool.submit(self._serve, shared, context, numbering) for _ in range(WRITERS)]
        for work in works:
            work.result()
        late = self.connection.execute("select distinct r from late").fetchall()
        self.report.created += self._count(matching.NEW) - len(late)
        self.left += [row[0] for row in late]

    def _serve(
        self, slices: Iterator[tuple[int, str]], context: Context, numbering: Numbering
    ) -> None:
        """One of the writers: whoever is free takes the next slice."""
        with db.connect(application="touchloop import") as conn:
            connection = self.connection.cursor()
            for start, kind in slices:
                for count in self._parts(connection, kind, start):
                    if kind == matching.NEW:
                        writing.write_new(connection, conn, context, numbering)
                    else:
                        self._update(connection, conn, context, count)
                    self._advance(count)

    def _update(
        self,
        connection: duckdb.DuckDBPyConnection,
        conn: db.Connection,
        context: Context,
        count: int,
    ) -> None:
        changed, moved = updating.update_known(connection, conn, context, allowed=allowed_mask)
        with self._lock:
            self.report.updated += changed
            self.report.unchanged += count - changed - len(moved)
            self.left += moved

    def _choose(self, kind: str) -> None:
        """The people of a kind, in the table todo_<kind>: the known ones by customer.

        So a part of them is a stretch of the customers, in whatever order the file has them.
        """
        order = "m.customer_id, r" if kind == matching.KNOWN else "r"
        self.connection.execute(
            f"create table todo_{kind} as select p.*, m.subject_id, m.customer_id, m.customer_id in"
            " (select customer_id from matched where customer_id is not null group by 1"
            " having count(*) > 1) as again"
            f" from people p join matched m using (r) where m.kind = '{kind}' order by {order}"
        )

    def _parts(self, connection: duckdb.DuckDBPyConnection, kind: str, start: int) -> Iterator[int]:
        """The people of a slice in the table `part`, as many at a time as their texts allow."""
        cells = [f"k{number}" for number in range(len(self.columns.keys))]
        cells += [f"t{number}" for number in range(len(self.columns.traits))]
        size = " + ".join(f"coalesce(strlen({cell}), 0)" for cell in cells)
        end = start + writing.PART
        while True:
            chosen = f"from todo_{kind} where rowid >= {start} and rowid < "
            [(count,)] = connection.execute(
                f"select count(*) from (select rowid, sum({size}) over (order by rowid) as size"
                f" {chosen} {end}) where size <= {writing.PART_BYTES} or rowid = {start}"
            ).fetchall()
            if count == 0:
                return
            start += int(count)
            connection.execute(f"create or replace temp table part as select * {chosen} {start}")
            yield int(count)

    def _advance(self, count: int) -> None:
        with self._lock:
            self.done += count
            self.progress("writing", self.done, self.total)

    def _rows(self, kind: str) -> list[int]:
        found = self.connection.execute("select r from matched where kind = ? order by r", [kind])
        return [row[0] for row in found.fetchall()]

    def _count(self, kind: str) -> int:
        found = self.connection.execute("select count(*) from matched where kind = ?", [kind])
        return int(found.fetchall()[0][0])


def _begin(
    path: Path, source: Source, meaning: dict[str, str], dry_run: bool, actor_id: int | None
) -> ImportRun:
    return ImportRun.objects.create(
        file_name=path.name[:300],
        file_bytes=path.stat().st_size,
        source_id=source.id,
        actor_id=actor_id,
        mapping=meaning,
        dry_run=dry_run,
        started_at=clock.now(),
    )


def _write_errors(
    connection: duckdb.DuckDBPyConnection, table: reading.Table, path: Path, errors: int
) -> Path | None:
    """The rows that were refused, as they were, with a reason in a last column."""
    if not errors:
        return None
    target = path.with_name(f"{path.stem}.errors.csv")
    names = ", ".join(
        f"""c{n} as "{heading.replace('"', '""')}" """ for n, heading in enumerate(table.headings)
    )
    quoted = str(target).replace("'", "''")
    connection.execute(
        f"copy (select {names}, reason as import_error from raw join problems using (r) order by r)"
        f" to '{quoted}' (header true, delimiter '{table.separator}')"
    )
    rejected = connection.execute(
        "select distinct on (line) csv_line from reject_errors order by line"
    ).fetchall()
    with target.open("a", encoding="utf-8", newline="") as file:
        for (line,) in rejected:
            file.write(f"{line.rstrip()}{table.separator}does not fit the columns\n")
    return target


def _silent(stage: str, done: int, total: int) -> None:
    """Nobody watches."""
