"""Lists held against the customers, and versions that are chosen and taken back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from touchloop.console.conftest import CustomerOf, Send, order, told
from touchloop.console.customers.sight import HIDDEN, Sight
from touchloop.console.insight.matching import lists
from touchloop.core import clock, db
from touchloop.core.accounts.models import AuditEntry
from touchloop.identity import api as identity
from touchloop.insight.matching import api as matching
from touchloop.insight.matching.api import ListInfo

SignIn = Callable[[str], Client]
LISTS = "/insight/matching/lists/"
HEADINGS = "Vorname;Nachname;Geburtsdatum;E-Mail;Hobby\n"
ROWS = (
    "Ana;Silva;24.12.1980;ana@x.example;=1+1\n"
    "Ben;Meyer;01.02.1990;;chess\n"
    "Zora;Nowhere;05.05.1955;zora@y.example;go\n"
)


@pytest.fixture
def people(send: Send) -> None:
    """Some customers, of whom the list knows two; one of them objected to being compared."""
    told_of = [
        ("ana", "Ana", "Silva", "1980-12-24", "ana@x.example"),
        ("ben", "Ben", "Meyer", "1990-02-01", "ben@x.example"),
        ("eva", "Eva", "Koch", "1971-03-03", "eva@x.example"),
        ("max", "Max", "Huber", "1966-06-16", "max@x.example"),
        ("twice", "Max", "Huber", "1966-06-16", "huber@y.example"),
    ]
    send(*(
        told(user, first_name=given, last_name=surname, birthday=born, email=email)
        for user, given, surname, born, email in told_of
    ), order("ana"))  # fmt: skip


def upload(client: Client, text: str, name: str = "guests.csv") -> str:
    file = SimpleUploadedFile(name, text.encode("utf-8-sig"))
    answer = client.post(f"{LISTS}add/", {"file": file})
    assert answer.status_code == 302
    return str(answer["Location"])


def compared() -> None:
    with db.connect(autocommit=True) as conn:
        assert matching.due(conn, clock.now())
        matching.run(conn, clock.now(), lambda words, done: None)


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_a_list_is_held_against_the_customers_and_changes_nobody(
    people: None, admin: Client, customer_of: CustomerOf
) -> None:
    assert "No list was compared yet" in text(admin, LISTS)
    address = upload(admin, HEADINGS + ROWS)
    assert "It begins when the learner is free" in text(admin, address)
    assert admin.get(f"{address}file/").status_code == 200
    compared()
    said = text(admin, address)
    assert f'href="/customers/{customer_of("ana")}/"' in said
    assert "born on the same day" in said
    assert f'href="/customers/{customer_of("ana")}/"' in text(admin, f"{address}?answer=same")
    assert "Zora" in text(admin, f"{address}?answer=new")
    assert "Zora" not in text(admin, f"{address}?answer=same")
    answer = admin.get(f"{address}file/")
    lines = b"".join(answer.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert lines[0] == "found,customer,probability,why,Vorname,Nachname,Geburtsdatum,E-Mail,Hobby"
    assert lines[1].startswith(f"this customer,{customer_of('ana')},")
    assert lines[1].endswith(",'=1+1")
    assert lines[3].startswith("new,,,")
    assert AuditEntry.objects.filter(act="matching.list_exported").count() == 2
    with db.connect() as conn:  # the run that was due suggests the two Max; the list nobody
        (suggested,) = identity.suggestions(conn)
    assert {suggested.a_id, suggested.b_id} == {customer_of("max"), customer_of("twice")}
    admin.post(f"{address}forget/")
    assert admin.get(address).status_code == 404
    assert "No list was compared yet" in text(admin, LISTS)


def test_who_may_see_what_of_a_list(people: None, admin: Client, sign_in: SignIn) -> None:
    address = upload(admin, HEADINGS + ROWS)
    compared()
    service, marketer = sign_in("service"), sign_in("marketer")
    assert "ana@x.example" in text(service, address)
    assert service.get(f"{address}file/").status_code == 403
    assert marketer.get(f"{address}file/").status_code == 200
    assert marketer.post(f"{LISTS}add/").status_code == 403
    assert marketer.post(f"{address}forget/").status_code == 403
    for role in ("analyst", "store_manager"):
        assert sign_in(role).get(address).status_code == 403


def test_contact_details_are_hidden_from_who_does_not_see_them() -> None:
    at = clock.now()
    one = ListInfo(1, "x", at, 1, "done", "", 1.0, ("a", "b", "c"), ("given", "email", ""), {}, (),
                   "")  # fmt: skip
    sees = Sight(contact=False, identifiers=True, evidence=True, locations=None)
    assert lists.shown_cells(one, ["Ana", "a@x.example", ""], sees) == ["Ana", HIDDEN, ""]


@pytest.mark.parametrize(
    ("content", "said"),
    [("", "is empty"), ("name\n", "no row"), ("a,a\n1,2\n", "two columns"),
     ("x\0y,z\n1,2\n", "NUL"), ("number\n1\n2\n", "says who somebody is")],
)  # fmt: skip
def test_what_is_no_list_is_refused_in_words(
    people: None, admin: Client, content: str, said: str
) -> None:
    file = SimpleUploadedFile("odd.csv", content.encode() or b" ")
    answer = admin.post(f"{LISTS}add/", {"file": file}, follow=True)
    assert said in answer.content.decode()
    with db.connect() as conn:
        assert matching.lists(conn) == []


def test_a_list_of_which_customers_know_nothing_ends_in_words(people: None, admin: Client) -> None:
    address = upload(admin, "passport\nX12 9\nY33 1\n")
    compared()
    assert "nothing in this list is known of customers" in text(admin, address)


def test_a_version_is_chosen_used_and_taken_back(people: None, admin: Client) -> None:
    compared()
    with db.connect() as conn:
        (first,) = matching.versions(conn)
    page = "/insight/matching/"
    assert f"Use version {first.id}" in text(admin, page)
    answer = admin.post(f"{page}version/{first.id}/", follow=True)
    assert f"{page}version/0/" in answer.content.decode()  # the undo of the toast
    admin.post(f"{page}policy/", {"automatic": "on", "precision": "99"})
    with db.connect() as conn:
        assert matching.policy(conn).version_id == first.id
    admin.post(f"{page}run/")
    compared()
    with db.connect() as conn:
        done = matching.latest(conn, state="done")
        assert [each.id for each in matching.versions(conn)] == [first.id]
    assert done is not None and done.version_id == first.id
    assert "was chosen" in text(admin, page)
    admin.post(f"{page}version/0/")
    admin.post(f"{page}version/999999/")
    with db.connect() as conn:
        assert matching.policy(conn).version_id is None
    assert AuditEntry.objects.filter(act="matching.version").count() == 2
