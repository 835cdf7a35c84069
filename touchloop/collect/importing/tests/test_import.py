"""A file becomes customers by the rules of the flow."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import phonenumbers
import pyarrow as pa
import pytest
from django.db import connections

from touchloop.collect.importing import ImportReport, checking, run, writing
from touchloop.collect.importing.phones import plain_numbers
from touchloop.collect.models import ImportRun
from touchloop.core import clock, db
from touchloop.core.errors import Invalid
from touchloop.core.ids import uuid7
from touchloop.identity.api import normalise
from touchloop.identity.namespaces import rule
from touchloop.profiles import api as profiles

pytestmark = pytest.mark.django_db(transaction=True)

Import = Callable[..., ImportReport]


@pytest.fixture
def conn() -> Iterator[db.Connection]:
    with db.connect(autocommit=True) as made:
        yield made


@pytest.fixture
def imported(tmp_path: Path) -> Import:
    def go(text: str | bytes, **options: Any) -> ImportReport:
        path = tmp_path / "people.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return run(path, **options)

    return go


def figures(report: ImportReport) -> tuple[int, ...]:
    """created, updated, unchanged, duplicates, errors"""
    found = report.counts()
    assert found["rows"] == sum(found.values()) - found["rows"] - found["intricate"]
    return tuple(found[n] for n in ("created", "updated", "unchanged", "duplicates", "errors"))


def customer(conn: db.Connection, email: str) -> dict[str, Any]:
    row = conn.execute(
        "select c.id, c.display_name, c.email, c.phone, c.traits from customers c"
        " join identifiers i on i.customer_id = c.id where i.value = %s",
        [email],
    ).fetchone()
    assert row is not None
    return {"id": row[0], "name": row[1], "email": row[2], "phone": row[3],
            "traits": {name: fact["v"] for name, fact in row[4].items()}}  # fmt: skip


PEOPLE = """E-Mail,Phone Number,First Name,Last Name,City,Age
Ann@Example.com ,+4915112345678,Ann,Lee,Köln,41
bob@example.com,,Bob,"O'Neil, Jr.",=1+1,
"""


def test_new_people_become_customers(conn: db.Connection, imported: Import) -> None:
    assert figures(imported(PEOPLE)) == (2, 0, 0, 0, 0)
    ann = customer(conn, "ann@example.com")
    assert ann["name"] == "Ann Lee" and ann["phone"] == "+4915112345678"
    assert ann["traits"]["age"] == 41 and ann["traits"]["city"] == "Köln"
    assert customer(conn, "+4915112345678")["id"] == ann["id"]
    bob = customer(conn, "bob@example.com")
    assert bob["traits"]["city"] == "=1+1" and bob["traits"]["lastName"] == "O'Neil, Jr."
    assert "age" not in bob["traits"]
    kept = ImportRun.objects.get()
    assert kept.state == "done" and kept.counts["created"] == 2


def test_the_canonical_row_is_what_the_fold_makes(conn: db.Connection, imported: Import) -> None:
    imported(PEOPLE)
    query = "select id, display_name, email, phone, traits from customers order by id"
    before = conn.execute(query).fetchall()
    allowed: dict[int, int] = dict(conn.execute("select id, allowed from customers").fetchall())
    profiles.fold(conn, list(allowed), allowed=allowed, now=clock.now())
    assert conn.execute(query).fetchall() == before


def test_the_same_file_again_changes_nothing(conn: db.Connection, imported: Import) -> None:
    imported(PEOPLE)
    tables = ("identifiers", "links", "trait_statements", "customers", "activity")
    before = {t: conn.execute(f"select * from {t} order by 1, 2").fetchall() for t in tables}
    assert figures(imported(PEOPLE)) == (0, 0, 2, 0, 0)
    after = {t: conn.execute(f"select * from {t} order by 1, 2").fetchall() for t in tables}
    assert after == before


def test_known_customers_are_updated(conn: db.Connection, imported: Import) -> None:
    imported(PEOPLE)
    again = PEOPLE.replace("Köln", "Bonn").replace("Bob", "Rob")
    assert figures(imported(again)) == (0, 2, 0, 0, 0)
    assert customer(conn, "ann@example.com")["traits"]["city"] == "Bonn"
    assert customer(conn, "bob@example.com")["name"] == "Rob O'Neil, Jr."


def test_known_customers_far_apart_are_updated(conn: db.Connection, imported: Import) -> None:
    """Their stretch of an index is not worth reading: they are looked up one by one."""
    imported(PEOPLE)
    conn.execute("select setval(pg_get_serial_sequence('identifiers', 'id'), 1000000)")
    later = PEOPLE.splitlines()[0] + "\ncleo@example.com,,Cleo,,Bern,7\n"
    imported(later)
    changed = later.replace("Bern", "Genf") + "\n".join(PEOPLE.splitlines()[1:])
    assert figures(imported(changed.replace("Köln", "Bonn"))) == (0, 2, 1, 0, 0)
    assert customer(conn, "ann@example.com")["traits"]["city"] == "Bonn"
    assert customer(conn, "cleo@example.com")["traits"]["city"] == "Genf"


def test_what_a_person_said_is_not_overwritten(conn: db.Connection, imported: Import) -> None:
    imported(PEOPLE)
    ann = customer(conn, "ann@example.com")["id"]
    said = profiles.TraitValue(
        ann, "city", profiles.authority_of("web"), "Paris", 1, clock.now(), uuid7()
    )
    profiles.record(conn, [said])
    profiles.fold(conn, [ann], allowed={}, now=clock.now())
    imported(PEOPLE.replace("Köln", "Bonn"))
    assert customer(conn, "ann@example.com")["traits"]["city"] == "Paris"


def test_every_character_arrives(conn: db.Connection, imported: Import) -> None:
    odd = "a\x01b\x02c\x01\x02'\\d\te"
    for first in ("new", "known"):
        imported(f'email,name,note\nx@b.co,{first}{odd},"{first}{odd},""q"""\n')
        found = customer(conn, "x@b.co")
        assert found["name"] == f"{first}{odd}"
        assert found["traits"] == {"name": f"{first}{odd}", "note": f'{first}{odd},"q"'}


def test_what_did_not_change_keeps_its_origin(conn: db.Connection, imported: Import) -> None:
    imported(PEOPLE)
    ann = customer(conn, "ann@example.com")["id"]
    first = {fact.name: fact.at for fact in profiles.customer(conn, ann).facts}
    imported(PEOPLE.replace("Köln", "Bonn"))
    second = {fact.name: fact.at for fact in profiles.customer(conn, ann).facts}
    imported(PEOPLE.replace("Köln", "Ulm").replace("Lee", "Leeds"))
    third = {fact.name: fact.at for fact in profiles.customer(conn, ann).facts}
    assert {name for name in first if second[name] > first[name]} == {"city"}
    assert {name for name in first if third[name] > second[name]} == {"city", "lastName"}
    assert customer(conn, "ann@example.com")["name"] == "Ann Leeds"
    assert conn.execute("select count(*) from trait_statements").fetchone() == (2,)


def test_rows_about_one_customer_by_several_addresses(
    conn: db.Connection, imported: Import
) -> None:
    imported("customer id,email\nu1,a@b.co\nu1,c@d.co\n")
    assert customer(conn, "a@b.co")["id"] == customer(conn, "c@d.co")["id"]
    report = imported("email,city,age\na@b.co,Rom,\nc@d.co,,7\n")
    assert report.intricate == 0
    assert customer(conn, "a@b.co")["traits"] == {"city": "Rom", "age": 7}


def test_a_column_that_comes_later_joins_what_was_said(
    conn: db.Connection, imported: Import
) -> None:
    imported("email\na@b.co\n")  # nothing is said of anybody
    assert conn.execute("select count(*) from trait_statements").fetchone() == (0,)
    assert figures(imported("email,city\na@b.co,Rom\n")) == (0, 1, 0, 0, 0)
    assert figures(imported("email,age\na@b.co,7\n")) == (0, 1, 0, 0, 0)
    assert figures(imported("email,age,city\na@b.co,7,\n")) == (0, 0, 1, 0, 0)
    assert customer(conn, "a@b.co")["traits"] == {"city": "Rom", "age": 7}


def test_parts_are_written_side_by_side(
    conn: db.Connection, imported: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "PART", 2)
    rows = "".join(f"u{n},p{n}@b.co,{n}\n" for n in range(8))
    assert figures(imported("customer id,email,age\n" + rows)) == (8, 0, 0, 0, 0)
    found = conn.execute(
        "select count(*), count(distinct id), count(distinct customer_id) from identifiers"
    ).fetchone()
    assert found == (16, 16, 8)
    again = "".join(f"u{n},p{n}@b.co,{n + 1}\n" for n in range(4, 10))
    assert figures(imported("customer id,email,age\n" + again)) == (2, 4, 0, 0, 0)
    assert customer(conn, "p5@b.co")["traits"] == {"age": 6}


def test_two_imports_at_once(
    conn: db.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "PART", 2)

    def go(first: int) -> ImportReport:
        path = tmp_path / f"{first}.csv"
        rows = (f"u{n},p{n}@b.co,{first}\n" for n in range(first, first + 8))
        path.write_text("customer id,email,age\n" + "".join(rows))
        try:
            return run(path)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(go, (0, 4))
    assert one.created + other.created == 12
    assert one.updated + other.updated == 4
    found = conn.execute(
        "select count(*), count(distinct value), count(distinct customer_id) from identifiers"
    ).fetchone()
    assert found == (24, 24, 12)


def test_long_rows_are_written_few_at_a_time(
    conn: db.Connection, imported: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    """20,000 rows of a hundred kilobytes would not fit the arrays that they are packed in."""
    monkeypatch.setattr(writing, "PART_BYTES", 2_000)
    written: list[int] = []

    def watch(stage: str, done: int, _: int) -> None:
        if stage == "writing":
            written.append(done)

    sizes = [10, 10, 5_000, 900, 900, 900, 10]
    for city, kind in (("Rom", "created"), ("Bonn", "updated")):
        rows = "".join(f"p{n}@b.co,{'x' * size},{city}\n" for n, size in enumerate(sizes))
        assert getattr(imported("email,note,city\n" + rows, progress=watch), kind) == len(sizes)
    assert written == [2, 3, 5, 7] * 2
    assert customer(conn, "p2@b.co")["traits"] == {"note": "x" * 5_000, "city": "Bonn"}


def test_three_identifiers_lead_to_one_customer(conn: db.Connection, imported: Import) -> None:
    text = "customer id,email,phone,city\nC1,a@b.co,+4915112345678,Rom\nC2,c@d.co,,Rom\n"
    assert figures(imported(text)) == (2, 0, 0, 0, 0)
    report = imported(text.replace("Rom", "Bonn"))
    assert figures(report) == (0, 2, 0, 0, 0) and report.intricate == 0
    one = {customer(conn, value)["id"] for value in ("C1", "a@b.co", "+4915112345678")}
    assert len(one) == 1 and customer(conn, "c@d.co")["traits"]["city"] == "Bonn"


def test_a_dry_run_writes_nothing(conn: db.Connection, imported: Import) -> None:
    report = imported(PEOPLE, dry_run=True)
    assert figures(report) == (2, 0, 0, 0, 0) and report.dry_run
    assert conn.execute("select count(*) from customers").fetchone() == (0,)
    assert conn.execute("select count(*) from identifiers").fetchone() == (0,)


def test_rows_in_error_come_back_to_be_mended(
    conn: db.Connection, imported: Import, tmp_path: Path
) -> None:
    report = imported("email;city\nann@example.com;Köln\nnot-an-address;Bonn\n;Ulm\na;b;c\n")
    assert figures(report) == (1, 0, 0, 0, 3)
    assert report.error_file is not None
    with report.error_file.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file, delimiter=";"))
    assert rows[:3] == [
        ["email", "city", "import_error"],
        ["not-an-address", "Bonn", "email: cannot be one"],
        ["", "Ulm", "identifies nobody"],
    ]
    assert [(p.row, p.reason) for p in report.problems][0] == (2, "email: cannot be one")


def test_of_rows_about_one_person_the_last_value_counts(
    conn: db.Connection, imported: Import
) -> None:
    report = imported("email,city,age\na@b.co,Rom,\nA@B.co,,7\na@b.co,Bonn,\n")
    assert figures(report) == (1, 0, 0, 2, 0)
    assert customer(conn, "a@b.co")["traits"] == {"city": "Bonn", "age": 7}


def test_rows_that_share_an_identifier_are_decided_by_identity(
    conn: db.Connection, imported: Import
) -> None:
    text = "customer id,email,city\nu1,a@b.co,Rom\nu2,a@b.co,Bonn\n,a@b.co,Ulm\n"
    report = imported(text)
    assert report.intricate == 3
    first, second = customer(conn, "u1")["id"], customer(conn, "u2")["id"]
    assert first != second  # two user ids are two people, whatever address they share


def test_a_known_customer_gains_an_identifier(conn: db.Connection, imported: Import) -> None:
    imported("email,city\na@b.co,Rom\n")
    report = imported("email,phone\na@b.co,+4915112345678\n")
    assert report.intricate == 1
    found = customer(conn, "+4915112345678")
    assert found["id"] == customer(conn, "a@b.co")["id"] and found["traits"]["city"] == "Rom"
    assert found["phone"] == "+4915112345678"


@pytest.mark.parametrize(
    "text",
    [
        PEOPLE.encode("utf-8-sig"),
        PEOPLE.encode("latin-1"),
        PEOPLE.replace("\n", "\r\n").encode(),
        PEOPLE.replace(",", "\t").replace("O'Neil\t", "O'Neil,").encode(),
    ],
)
def test_files_of_other_programs_are_read(
    conn: db.Connection, imported: Import, text: bytes
) -> None:
    assert figures(imported(text)) == (2, 0, 0, 0, 0)
    assert customer(conn, "ann@example.com")["traits"]["city"] == "Köln"
    assert customer(conn, "bob@example.com")["traits"]["lastName"] == "O'Neil, Jr."


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "empty"),
        (b"email\na\0b@c.de\n", "NUL"),
        ("email\na@b.co\n".encode("utf-16"), "UTF-16"),
        (b"city\nRom\n", "identifies"),
        (b"email,email\na@b.co,x\n", "two columns"),
        (",".join(f"c{n}" for n in range(5_000)).encode() + b"\n", "columns"),
        (b"x" * (2 << 20), "megabyte"),
    ],
)
def test_what_is_no_table_is_refused(imported: Import, text: bytes, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        imported(text)


def test_a_mapping_is_checked(imported: Import) -> None:
    for mapping in ({"nope": "email"}, {"E-Mail": "shoe"}, {"E-Mail": "traits.is_admin"}):
        with pytest.raises(Invalid):
            imported(PEOPLE, mapping=mapping)
    report = imported(PEOPLE, mapping={"E-Mail": "email", "City": "traits.home town"})
    assert figures(report) == (2, 0, 0, 0, 0)


VALUES = {
    "email": ["a@b.co", "A.B+c@Example.COM", "ä@b.de", "a@b", "test@test.com", "a..b@c.de", "-"],
    "phone": ["+4915112345678", "+390612345678", "+12025550123", "+10123456789", "+79123456789",
              "+78123456789", "+49 151 12345678", "+4401234567890", "+1", "+5491123456789"],
    "card": ["AB12", "ab-12", "0000", "12 34", "N/A"],
    "user_id": ["u-1", "0", "guest", "GUEST", "é", "a b", "-1", "none"],
}  # fmt: skip


@pytest.mark.parametrize("namespace", VALUES)
def test_what_is_decided_by_shape_is_what_identity_says(namespace: str) -> None:
    with duckdb.connect() as connection:
        connection.register("plain_numbers", plain_numbers())
        values = VALUES[namespace] + sorted(rule(namespace).blocked)
        values += examples() if namespace == "phone" else []
        connection.register("written", pa.table({"v": values}))
        query = f"select v, {checking.final(namespace, 'v')} from written"
        decided = connection.execute(query).fetchall()
        assert len(decided) == len(values)
        for value, said in decided:
            assert said in (None, normalise(namespace, value)), value


def examples() -> list[str]:
    """A number of every kind of every country, and the same with a digit more and less."""
    found = []
    for region in phonenumbers.SUPPORTED_REGIONS:
        for kind in phonenumbers.PhoneNumberType.values():
            number = phonenumbers.example_number_for_type(region, kind)
            if number is not None:
                text = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
                found += [text, text[:-1], text + "0"]
    return found
