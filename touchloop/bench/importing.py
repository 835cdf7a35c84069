"""Bench `import`: a CSV file of customers, matched against as many that exist.

Half of the rows are known customers with a changed city, the other half is new. Ten columns: an
id, e-mail, phone and seven traits. Baseline: the same file copied into an unlogged table and loaded
from there into one plain table of contacts, set-based, without any of our rules, in the same run.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import duckdb

from touchloop.bench import installation

TARGET = 30.0


def run(*, customers: int = 1_000_000) -> dict[str, Any]:
    """Results by key; `customers` exist before, and as many rows are imported."""
    with installation.temporary() as home:
        return _measure(customers, home)


def _measure(customers: int, home: Path) -> dict[str, Any]:
    from touchloop.collect import importing
    from touchloop.core import db

    before, file = home / "before.csv", home / "people.csv"
    _write(before, first=0, count=customers, city="Bremen")
    importing.run(before)
    _write(file, first=customers // 2, count=customers, city="Hamburg")
    with db.connect(autocommit=True) as conn:
        conn.execute("checkpoint")
        baseline = _bare(conn, file, before)
        start = time.perf_counter()
        report = importing.run(file)
        seconds = time.perf_counter() - start
        known = customers - customers // 2
        assert (report.created, report.updated, report.errors) == (customers - known, known, 0)
        stored = conn.execute(
            "select count(*), count(*) filter (where traits -> 'city' ->> 'v' = 'Hamburg')"
            " from customers"
        ).fetchone()
    assert stored == (customers + customers // 2, customers)
    return {
        "seconds": installation.result(
            seconds, "s", target=TARGET, baseline=baseline,
            baseline_name="bare COPY and set-based load of the same file into one table",
        )
    }  # fmt: skip


def _write(path: Path, *, first: int, count: int, city: str) -> None:
    """People number `first` and on; the same number is the same person."""
    with duckdb.connect() as connection:
        connection.execute(
            f"""
            copy (
              select 'C' || n as "Customer ID",
                     'person.' || n || '@example' || n % 50 || '.com' as "E-mail",
                     '+49151' || (10000000 + n) as "Phone",
                     'Given' || hash(n) % 5000 as "First name",
                     'Family' || hash(n + 1) % 20000 as "Last name",
                     '{city}' as "City", 'DE' as "Country",
                     strftime(date '1950-01-01' + (hash(n) % 20000)::integer, '%Y-%m-%d')
                       as "Birthday",
                     (hash(n) % 900)::integer as "Points last year",
                     if(n % 2 = 0, 'true', 'false') as "Newsletter"
              from range({first}, {first + count}) t(n)
            ) to '{path}' (format csv, header true)
            """
        )


def _bare(conn: Any, file: Path, before: Path) -> float:
    """What PostgreSQL needs for the same rows without any rules."""
    columns = "id, email, phone, given, family, city, country, birthday, points, newsletter"
    typed = columns.replace(",", " text,") + " text"
    conn.execute(f"create unlogged table bare_staging ({typed})")
    conn.execute(f"create table bare ({typed})")
    conn.execute("create unique index on bare (email)")
    conn.execute("create unique index on bare (id)")
    _copy(conn, before, "bare", columns)
    conn.execute("analyze bare")
    start = time.perf_counter()
    _copy(conn, file, "bare_staging", columns)
    conn.execute(
        f"insert into bare ({columns}) select distinct on (lower(trim(email))) {columns}"
        " from bare_staging where email like '%@%' order by lower(trim(email))"
        " on conflict (email) do update set city = excluded.city, given = excluded.given"
    )
    seconds = time.perf_counter() - start
    conn.execute("drop table bare, bare_staging")
    return seconds


def _copy(conn: Any, path: Path, table: str, columns: str) -> None:
    statement = f"copy {table} ({columns}) from stdin (format csv, header true)"
    with conn.cursor() as cursor, cursor.copy(statement) as copy, path.open("rb") as file:
        while block := file.read(1 << 20):
            copy.write(block)
