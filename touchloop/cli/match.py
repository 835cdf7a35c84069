"""`match`: who is the same person in a list, by the code that matches customers."""

from __future__ import annotations

import csv
import math
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from touchloop.cli import runtime
from touchloop.cli.output import result, say, table
from touchloop.core.errors import Invalid, WrongSetting

if TYPE_CHECKING:
    import duckdb

    from touchloop.insight.matching.api import Matched

BRIDGES = 20


def match(
    file: Annotated[
        Path, typer.Argument(help="A CSV of people, any columns, the first line names them.")
    ],
    id_column: Annotated[
        str, typer.Option("--id", help="The column that names a row; it is not compared.")
    ] = "",
    truth: Annotated[
        str,
        typer.Option(help="The column that says who is who, to measure by; or COLUMN~REGEX."),
    ] = "",
    out: Annotated[Path | None, typer.Option(help="Write id and cluster to this CSV.")] = None,
    threshold: Annotated[
        float, typer.Option(help="From which probability two records are one.")
    ] = 0.5,
    seed: Annotated[int, typer.Option(help="Of the random pairs.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Find the records of a list that are the same person, without labels.

    Examples:

        touchloop match people.csv --id number --out who.csv

        touchloop match fake_1000.csv --id unique_id --truth cluster --json

        touchloop match dataset3.csv --id rec_id --truth 'rec_id~rec-([0-9]+)-' --json
    """
    with result(as_json=as_json) as emit:
        runtime.setup_django()
        try:
            answer, found, conn = _run(file, id_column, truth, threshold, seed)
            if out is not None:
                _write(out, conn, id_column, found)
        except Invalid as wrong:
            raise WrongSetting(f"match: {wrong}") from None
        emit(answer)
        if not as_json:
            _show(answer)


def _run(
    file: Path, id_column: str, truth: str, threshold: float, seed: int
) -> tuple[dict[str, Any], Matched, duckdb.DuckDBPyConnection]:
    from touchloop.core import clock
    from touchloop.insight.matching import api as matching

    if not 0 < threshold < 1:
        raise Invalid("--threshold", "is a probability between 0 and 1")
    start = time.perf_counter()
    conn = matching.connect()
    headings = matching.read(conn, file)
    rows = matching.rows_of(conn)
    id_column = _column(headings, id_column, "--id") if id_column else ""
    true_column, _, pattern = truth.partition("~")
    true_column = _column(headings, true_column, "--truth") if truth else ""
    known = _truth(conn, true_column, pattern) if truth else None
    names = [name for name in headings if name not in (id_column, true_column)]
    found = matching.match(
        conn, matching.RAW, names, rows=rows, now=clock.now(), threshold=threshold, seed=seed,
        progress=lambda words, done: None,
    )  # fmt: skip
    seconds = time.perf_counter() - start
    answer = _answer(found, seconds)
    simple = matching.simple_rule(conn, found)
    answer["simple_rule"] = {"name": matching.SIMPLE_RULE, "pairs": len(simple[0])}
    if known is not None:
        pairwise = matching.of_pairs(found.linked.a, found.linked.b, known)
        people = matching.of_clusters(found.clustered.labels, known)
        plain = matching.of_pairs(*simple, known)
        grouped = matching.of_clusters(matching.components(*simple, rows), known)
        answer |= {"precision": people.precision, "recall": people.recall, "f1": people.f1}
        answer["pairwise"] = pairwise.json()
        answer["clusters_metrics"] = people.json()
        answer["simple_rule"] |= plain.json() | {"clusters_metrics": grouped.json()}
    return answer, found, conn


def _answer(found: Matched, seconds: float) -> dict[str, Any]:
    labels = found.clustered.labels
    return {
        "records": found.records,
        "clusters": int(labels.max(initial=-1)) + 1,
        "pairs": len(found.linked.a),
        "seconds": round(seconds, 3),
        "threshold": found.threshold,
        "fields": {field.column: field.kind for field in found.fields},
        "rules": {rule.name: rule.pairs for rule in found.rules},
        "weights": {
            name: {level.words: round(level.bits, 3) for level in levels}
            for name, levels in (found.model.weights if found.model else {}).items()
        },
        "bridges": [
            {
                "records": [bridge.a, bridge.b],
                "probability": 1 / (1 + math.pow(2, -min(bridge.bits, 500))),
                "sizes": [bridge.left, bridge.right],
            }
            for bridge in found.clustered.bridges[:BRIDGES]
        ],
        "words": list(found.words),
    }


def _column(headings: tuple[str, ...], name: str, option: str) -> str:
    if name in headings:
        return name
    close = [heading for heading in headings if heading.lower() == name.strip().lower()]
    if close:
        return close[0]
    raise Invalid(option, f"there is no column {name!r}; there are {', '.join(headings)}")


def _truth(conn: duckdb.DuckDBPyConnection, column: str, pattern: str) -> Any:
    import numpy as np

    from touchloop.insight.matching import api as matching

    values = matching.values(conn, column)
    if pattern:
        try:
            cut = re.compile(pattern)
        except re.error as wrong:
            raise Invalid("--truth", f"{pattern!r} is no regular expression: {wrong}") from None
        if cut.groups > 1:
            raise Invalid("--truth", "the regular expression has more than one group")
        hits = [cut.search(value) if value else None for value in values]
        values = [hit[cut.groups] if hit else "" for hit in hits]
        if not any(values):
            raise Invalid("--truth", f"{pattern!r} is found in no row")
    numbers: dict[str, int] = {}
    return np.array(
        [numbers.setdefault(value, len(numbers)) if value else -1 for value in values],
        dtype=np.int64,
    )


def _write(out: Path, conn: duckdb.DuckDBPyConnection, id_column: str, found: Matched) -> None:
    from touchloop.insight.matching import api as matching

    names = (
        matching.values(conn, id_column) if id_column else [str(n) for n in range(found.records)]
    )
    try:
        with out.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([id_column or "row", "cluster"])
            writer.writerows(zip(names, found.clustered.labels.tolist(), strict=True))
    except OSError as wrong:
        raise Invalid("--out", wrong.strerror or "cannot be written") from None


def _show(answer: dict[str, Any]) -> None:
    say(
        f"{answer['records']:,} records are {answer['clusters']:,} people;"
        f" {answer['pairs']:,} pairs at a probability of {answer['threshold']}"
        f" ({answer['seconds']:.1f} s)"
    )
    for words in answer["words"]:
        say(words)
    if "f1" in answer:
        rows = [
            ["people (clusters)", answer["clusters_metrics"]],
            ["pairs", answer["pairwise"]],
            [answer["simple_rule"]["name"], answer["simple_rule"]],
        ]
        table(
            ["Measured by the truth", "Precision", "Recall", "F1"],
            [
                [name, *(f"{figures[key]:.4f}" for key in ("precision", "recall", "f1"))]
                for name, figures in rows
            ],
        )
