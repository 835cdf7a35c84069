"""Bench `match`: who is the same among a million synthetic records, beside an exact self-join.

700,000 people and 300,000 second records of theirs, with slips in one or two fields: a letter lost,
two swapped, a field left empty, another e-mail. The records are read from a CSV file as
`touchloop match` reads it. Beside it, in the same run: the plain way, records joined that agree on
name and birth date exactly, in the same engine.
"""

from __future__ import annotations

import resource
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from touchloop.bench import installation
from touchloop.cli import runtime

RECORDS = 1_000_000
SECOND = 0.3  # share of the records that are second records of somebody
EXACT = "exact self-join on name and birth date, same engine: seconds"
EXACT_F1 = "exact self-join on name and birth date, same engine: F1 of its pairs"
RULE = "agree on all but one field: F1 of its groups"


def run(*, customers: int = RECORDS) -> dict[str, dict[str, Any]]:
    """Results by key, for so many records, with the quality reached and the memory it took."""
    runtime.setup_django()
    folder = Path(tempfile.mkdtemp(prefix="touchloop-bench-"))
    try:
        make(folder / "people.csv", records=customers)
        return _measure(folder / "people.csv")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def make(path: Path, *, records: int) -> None:
    """Write the records; the same for every call."""
    people = records - int(records * SECOND)
    conn = duckdb.connect()
    conn.execute(_PEOPLE, {"people": people})
    conn.execute(_SECOND, {"people": people, "records": records})
    conn.execute(f"COPY (SELECT * FROM records ORDER BY hash(id)) TO '{path}' (HEADER)")
    conn.close()


def _measure(path: Path) -> dict[str, dict[str, Any]]:
    from touchloop.core import clock
    from touchloop.insight.matching import api as matching

    start = time.perf_counter()
    conn = matching.connect()
    headings = matching.read(conn, path)
    rows = matching.rows_of(conn)
    names = [name for name in headings if name not in ("id", "person")]
    found = matching.match(conn, matching.RAW, names, rows=rows, now=clock.now())
    seconds = time.perf_counter() - start
    truth = np.array([int(value) for value in matching.values(conn, "person")], dtype=np.int64)
    people = matching.of_clusters(found.clustered.labels, truth)
    start = time.perf_counter()
    pairs = conn.execute(_EXACT).fetchnumpy()
    plain = time.perf_counter() - start
    a, b = (np.asarray(pairs[name], dtype=np.int64) for name in ("a", "b"))
    exact = matching.of_pairs(a, b, truth)
    simple = matching.simple_rule(conn, found)
    grouped = matching.of_clusters(matching.components(*simple, rows), truth)
    result = installation.result
    return {
        "seconds": result(
            seconds, "s", target=60 * max(rows / RECORDS, 0.1), baseline=plain,
            baseline_name=EXACT,
        ),
        "records": result(rows, "records", target=None, baseline=rows, baseline_name="the same"),
        "f1": result(
            people.f1, "of groups", target=None, baseline=exact.f1, baseline_name=EXACT_F1
        ),
        "precision": result(
            people.precision, "of groups", target=None, baseline=grouped.f1, baseline_name=RULE
        ),
        "recall": result(
            people.recall, "of groups", target=None, baseline=exact.recall,
            baseline_name="recall of the exact self-join",
        ),
        "memory_mb": result(
            resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "MB", target=4_000,
            baseline=None, baseline_name="",
        ),
    }  # fmt: skip


_PEOPLE = """
CREATE TABLE records AS
WITH parts AS (
  SELECT n, hash(n, 1) % 2147483647 AS g, hash(n, 2) % 2147483647 AS s,
    hash(n, 3) % 2147483647 AS b, hash(n, 4) % 2147483647 AS p, hash(n, 5) % 2147483647 AS c
  FROM range($people) AS r(n)
), named AS (
  SELECT *,
    -- frequent names are frequent: the square of an even share
    (list_value('ma','jo','an','pe','lu','so','ka','el','ri','to','be','ni','al','fe','ha','mi')
      [1 + CAST(floor(16 * power((g % 1000) / 1000.0, 1.6)) AS INTEGER)])
    || (list_value('ria','han','nas','ter','kas','fia','rin','ena','ta','mas','n','na','ex','lix',
      'nna','a')[1 + CAST((g // 1000) % 16 AS INTEGER)]) 
    || (list_value('','','','s','l','e')[1 + CAST((g // 99991) % 6 AS INTEGER)])
      AS given,
    (list_value('hof','schm','mull','web','fisch','wag','beck','schul','kra','ber','lang','hart',
      'stein','vog','wint','som','bau','zim','rot','gru')
      [1 + CAST(floor(20 * power((s % 1000) / 1000.0, 1.4)) AS INTEGER)])
    || (list_value('mann','er','idt','ler','ner','meyer','bach','berg','feld','haus','dorf','stadt',
      'land','wald','baum','ke')[1 + CAST((s // 1000) % 16 AS INTEGER)])
    || (list_value('','','s','in','ow','ski','en','el')[1 + CAST((s // 99991) % 8 AS INTEGER)])
      AS surname
  FROM parts
)
SELECT n AS id, n AS person, given AS first_name, surname AS last_name,
  strftime(DATE '1935-01-01' + CAST(b % 26000 AS INTEGER), '%Y-%m-%d') AS birth_date,
  given || '.' || surname || (p % 9973) || '@mail' || (p % 17) || '.example' AS email,
  '0' || (150 + c % 40) || lpad(CAST(p % 10000019 AS VARCHAR), 8, '0') AS phone,
  CAST(10000 + c % 30011 AS VARCHAR) AS postcode,
  'town ' || (c % 2003) AS city
FROM named
"""
_SECOND = """
INSERT INTO records
WITH drawn AS (
  SELECT row_number() OVER () - 1 AS k, * FROM records
  ORDER BY hash(id, 7) LIMIT ($records - $people)
), rolled AS (
  SELECT *, hash(id, 11) % 100 AS one, hash(id, 12) % 100 AS two, hash(id, 13) % 2147483647 AS roll
  FROM drawn
), slipped AS (
  SELECT *,
    substr(first_name, 1, CAST(2 + roll % 2 AS INTEGER)) 
      || substr(first_name, CAST(4 + roll % 2 AS INTEGER))
      AS given_slip,
    substr(last_name, 1, CAST(2 + roll % 3 AS INTEGER)) 
      || substr(last_name, CAST(4 + roll % 3 AS INTEGER))
      AS surname_slip
  FROM rolled
)
SELECT $people + row_number() OVER (ORDER BY id) - 1, person,
  CASE WHEN one < 15 THEN given_slip WHEN one < 18 THEN last_name WHEN one < 22 THEN NULL
       ELSE first_name END,
  CASE WHEN one >= 30 AND one < 45 THEN surname_slip WHEN one >= 15 AND one < 18 THEN first_name
       ELSE last_name END,
  CASE WHEN two < 6 THEN substr(birth_date, 1, 8) || '0' || (1 + roll % 9) WHEN two < 10 THEN NULL
       ELSE birth_date END,
  CASE WHEN two >= 20 AND two < 40 THEN NULL WHEN two >= 40 AND two < 55
       THEN 'new' || (roll % 999983) || '@other.example' ELSE email END,
  CASE WHEN one >= 50 AND one < 70 THEN NULL WHEN one >= 70 AND one < 80
       THEN '0170' || lpad(CAST(roll % 9999991 AS VARCHAR), 7, '0') ELSE phone END,
  CASE WHEN one >= 80 AND one < 95 THEN CAST(10000 + roll % 30011 AS VARCHAR) ELSE postcode END,
  CASE WHEN one >= 80 AND one < 95 THEN 'town ' || (roll % 2003) ELSE city END
FROM slipped
"""
_EXACT = """
SELECT l.touchloop_row AS a, r.touchloop_row AS b FROM people AS l JOIN people AS r
  ON l.given = r.given AND l.surname = r.surname AND l.born = r.born
  AND l.touchloop_row < r.touchloop_row
"""
