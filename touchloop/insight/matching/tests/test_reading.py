"""Files as people have them, and what their columns are taken for."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from touchloop.core.errors import Invalid
from touchloop.insight.matching import blocking, cleaning, columns
from touchloop.insight.matching.columns import Seen
from touchloop.insight.matching.matching import connect
from touchloop.insight.matching.reading import RAW, read, rows_of, values

NOW = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_encoding_and_separator_are_found(tmp_path: Path, encoding: str, separator: str) -> None:
    file = tmp_path / "people.csv"
    lines = [["Vorname", "Ort"], ["Jürgen", '"Köln, Süd"'], ["Ana", ""]]
    file.write_bytes("\r\n".join(separator.join(line) for line in lines).encode(encoding))
    conn = connect()
    assert read(conn, file) == ("Vorname", "Ort")
    assert rows_of(conn) == 2
    assert values(conn, "Vorname") == ["Jürgen", "Ana"]
    assert values(conn, "Ort") == ["Köln, Süd", ""]


def test_ragged_lines_and_blanks_after_separators_are_read(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text('id, name, city\n1, "Ana, B.", Jena\n2, Ben\n\n3, Eva, Ulm, more\n')
    conn = connect()
    assert read(conn, file) == ("id", "name", "city")
    assert values(conn, "name") == ["Ana, B.", "Ben", "Eva"]
    assert values(conn, "city") == ["Jena", "", "Ulm"]


def test_a_first_line_that_is_a_record_names_no_columns(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("Ana,1980-12-24,ana@x.example\nBen,1990-02-01,ben@x.example\n")
    conn = connect()
    assert read(conn, file) == ("column 1", "column 2", "column 3")
    assert values(conn, "column 1") == ["Ana", "Ben"]


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "empty"), (b"a,a\n1,2\n", "two columns"), (b"a,,b\n1,2,3\n", "name the columns"),
     (b"a,b\n\0,2\n", "NUL")],
)  # fmt: skip
def test_what_is_no_table_is_refused_in_words(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "people.csv"
    file.write_bytes(content)
    with pytest.raises(Invalid, match=said):
        read(connect(), file)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("first_name", "given"), ("Vorname", "given"), ("last name", "surname"),
        ("NACHNAME", "surname"),
        ("dob", "born"), ("DateOfBirth", "born"), ("Geburtsdatum", "born"), ("E-Mail", "email"),
        ("mobile_phone", "phone"), ("postcode", "postcode"), ("PLZ", "postcode"),
        ("suburb", "city"),
        ("address_1", "street"), ("Straße", "street"), ("street_number", "house"),
        ("state", "state"),
        ("soc_sec_id", "national_id"), ("gender", "sex"), ("name", "full_name"),
        ("cluster", ""),
        ("first_and_surname", "full_name"), ("rec_id", ""), ("unique_id", ""), ("hobby", "text"),
    ],
)  # fmt: skip
def test_columns_are_told_by_their_names(name: str, kind: str) -> None:
    assert columns.kind_of(name, Seen(2, 2, 1, ["a b", "c d"])) == kind


def test_columns_are_told_by_what_stands_in_them() -> None:
    assert columns.kind_of("x", Seen(2, 2, 1, ["a@b.example", "c@d.example"])) == "email"
    assert columns.kind_of("x", Seen(2, 2, 1, ["1971-06-24", "24.12.1980"])) == "born"
    assert columns.kind_of("x", Seen(2, 2, 1, ["+49 171 1234567", "0171/99887766"])) == "phone"


def test_one_written_form(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text(
        "name,dob,phone,city\nMüller Ana,24.12.1980,+49 171 1234567,N/A\n"
        "ANA  MULLER,1980-12-24,0171-1234567,null\nBen  O'Hara,99.12.1980,12,Jena\n"
    )
    conn = connect()
    names = read(conn, file)
    seen = cleaning.seen(conn, RAW, names)
    fields, _ = columns.fields_of(seen, 3)
    cleaned = cleaning.clean(conn, RAW, fields, seen, now=NOW)
    assert {"given", "surname", "both_names", "born", "phone", "city"} <= set(cleaned)
    rows = conn.execute(
        "SELECT both_names, born, phone, city FROM people ORDER BY touchloop_row"
    ).fetchall()
    assert rows[0] == rows[1] == ("ana muller", "19801224", "711234567", None)
    assert rows[2][0] == "ben o hara"
    assert rows[2][2:] == (None, "jena")


def test_a_quadratic_block_is_left_out_and_said() -> None:
    conn = connect()
    conn.execute(
        "CREATE TABLE people AS SELECT i AS touchloop_row,"
        " CASE WHEN i < 3000 THEN 'ana' ELSE 'x' || (i // 2) END AS given FROM range(4000) t(i)"
    )
    field = columns.Field("first_name", "given", "given")
    (rule,), words = blocking.rules_of(conn, [field], ["given"], rows=4_000)
    assert (rule.pairs, rule.limit) == (500, 2)
    assert "4,498,500 pairs are too many" in words[0]
    blocking.write_keys(conn, [rule])
    [(left,)] = conn.execute("SELECT count(key_given) FROM people").fetchall()
    assert left == 1_000
