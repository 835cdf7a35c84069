"""Customers: what the list, the search and the page of one customer show, and to whom."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from touchloop.console.conftest import CustomerOf, Send, order, told
from touchloop.core import db
from touchloop.core.accounts.models import AuditEntry, Staff
from touchloop.flow import api as flow
from touchloop.identity import api as identity

pytestmark = pytest.mark.django_db(transaction=True)
SignIn = Callable[[str], Client]

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{7*7}}{% now %}",
    "\u202egnp.exe\u202c",
    "مرحبا بالعالم",
    "x" * 5_000,
    "=cmd|' /C calc'!A0",
)


def page(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, (address, answer.status_code)
    return answer.content.decode()


def test_a_customer_is_found_by_every_identifier_and_by_name(admin: Client, send: Send) -> None:
    send(
        told("ana-1", name="Ana Silva", email="Ana.Silva@Example.com", phone="+1 202 555 0143"),
        {**order("ana-1"), "context": {"externalIds": [{"type": "card", "id": "CJ 00 7"}]}},
        told("ben-2", name="Ben Okafor"),
    )
    for words in (
        "ana-1", "ana.silva@example.com", "ANA.SIL", "(202) 555-0143", "+12025550143", "1202555",
        "cj-007", "cj00", "Ana S", "silva an", "ana",
    ):  # fmt: skip
        found = page(admin, f"/customers/?q={words.replace('+', '%2B')}")
        assert "Ana Silva" in found, words
        assert "Ben Okafor" not in found, words
    assert "Nobody found" in page(admin, "/customers/?q=zzz")
    assert "Nobody found" in page(admin, "/customers/?q=100%25")


def test_the_list_is_filtered_sorted_and_paged(admin: Client, send: Send) -> None:
    send(
        *(
            told(f"u{i:03}", name=f"Name {i:03}", city="Porto" if i % 2 else "Lyon")
            for i in range(70)
        ),
        order("u001", 500, days=3),
        order("u002", 50),
    )
    first = page(admin, "/customers/?sort=name")
    assert "Name 000" in first
    assert "Name 069" not in first
    more = first.split('class="table-more" hx-get="')[1].split('"')[0].replace("&amp;", "&")
    rows = admin.get(more, headers={"X-Rows": "1"}).content.decode()
    assert "Name 069" in rows
    assert "<html" not in rows
    rich = page(admin, "/customers/?spend_from=100")
    assert "Name 001" in rich
    assert "Name 002" not in rich
    lyon = page(admin, "/customers/?trait=city%3Dlyon&sort=name")
    assert "Name 000" in lyon
    assert "Name 001" not in lyon
    assert "city: lyon" in lyon
    assert "Nothing fits" in page(admin, "/customers/?orders_from=7")
    assert "cannot be read" in page(admin, "/customers/?spend_from=much")
    assert admin.get("/customers/count/?spend_from=1").content == b"2 customers"


def test_the_page_of_a_customer_tells_who_what_and_why(
    admin: Client, send: Send, customer_of: CustomerOf
) -> None:
    send(told("ana", name="Ana Silva", city="Porto"), order("ana", 20), order("ana", 30, days=40))
    told_ = page(admin, f"/customers/{customer_of('ana')}/")
    for words in ("Ana Silva", "Porto", "Bought 2 products for $20.00", "Blue cheese", "$50.00",
                  "Serve and support", "In no segment now", "Today,"):  # fmt: skip
        assert words in told_, words
    assert "<title>Customer " in told_.replace("\n", "")


def test_a_long_timeline_asks_the_database_no_oftener(
    admin: Client, send: Send, customer_of: CustomerOf
) -> None:
    send(order("ana", 10), *(order("ben", 10 + i, days=i) for i in range(30)))
    asked = []
    for name in ("ana", "ben"):
        address = f"/customers/{customer_of(name)}/"
        page(admin, address)  # what is counted for the rail is kept from here on
        with CaptureQueriesContext(connection) as queries:
            page(admin, address)
        asked.append(len(queries))
    assert asked[0] == asked[1]


def test_the_timeline_comes_in_parts_and_each_is_filtered(
    admin: Client, send: Send, customer_of: CustomerOf
) -> None:
    send(
        *(order("ana", 10 + i, days=i) for i in range(60)),
        {"type": "page", "name": "Cheese", "userId": "ana", "properties": {}},
    )
    id = customer_of("ana")
    first = page(admin, f"/customers/{id}/")
    assert first.count('class="timeline-item"') == 40
    older = first.split('class="timeline-more" hx-get="')[1].split('"')[0].replace("&amp;", "&")
    rest = page(admin, older)
    assert rest.count('class="timeline-item"') == 21
    assert "timeline-more" not in rest
    with db.connect(autocommit=True) as conn:
        kind = conn.execute("SELECT id FROM kinds WHERE type = 'page'").fetchone()
    assert kind is not None
    only = page(admin, f"/customers/{id}/timeline/?kind={kind[0]}")
    assert only.count('class="timeline-item"') == 1
    assert "Opened Cheese" in only
    assert admin.get(f"/customers/{id}/?before=nonsense").status_code == 302


def test_an_order_folds_open_to_its_products_and_only_its_own_customer_shows_it(
    admin: Client, send: Send, customer_of: CustomerOf
) -> None:
    send(order("ana"), order("ben"))
    ana, ben = customer_of("ana"), customer_of("ben")
    with db.connect(autocommit=True) as conn:
        row = conn.execute("SELECT id FROM interactions WHERE subject_id = %s", (ana,)).fetchone()
    assert row is not None
    opened = page(admin, f"/customers/{ana}/timeline/{row[0]}/")
    assert "Blue cheese" in opened
    assert "Order Completed" in opened
    assert admin.get(f"/customers/{ben}/timeline/{row[0]}/").status_code == 404
    assert admin.get("/customers/999999/").status_code == 404


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_words_and_nothing_more(
    name: str, admin: Client, send: Send, customer_of: CustomerOf
) -> None:
    send(
        told("evil", name=name, note=name, url="javascript:alert(1)"),
        {"type": "track", "event": name[:200], "userId": "evil", "properties": {"text": name}},
    )
    id = customer_of("evil")
    for address in (f"/customers/{id}/", "/customers/", "/customers/?q=evil", "/live/",
                    f"/customers/{id}/timeline/"):  # fmt: skip
        shown = page(admin, address)
        assert "<script>alert" not in shown
        assert "<img src=x" not in shown
        assert 'href="javascript:' not in shown
        assert "http://" not in shown.replace("http://www.w3.org", "")
    assert "49" not in page(admin, f"/customers/{id}/").split("<h1>")[1].split("</h1>")[0]


def test_a_note_goes_the_way_of_every_interaction(
    admin: Client, send: Send, customer_of: CustomerOf
) -> None:
    send(order("ana"))
    id = customer_of("ana")
    assert admin.post(f"/customers/{id}/note/", {"text": "Called <b>back</b>"}).status_code == 302
    flow.drain()
    shown = page(admin, f"/customers/{id}/")
    assert "wrote a note" in shown
    assert "Called &lt;b&gt;back&lt;/b&gt;" in shown
    assert customer_of("ana") == id
    assert AuditEntry.objects.filter(act="customer.note", object_id=str(id)).count() == 1
    admin.post(f"/customers/{id}/note/", {"text": "  "})
    flow.drain()
    assert AuditEntry.objects.filter(act="customer.note").count() == 1


def test_staff_set_a_trait_over_a_system_but_under_the_person(
    admin: Client, send: Send, customer_of: CustomerOf
) -> None:
    send(told("ana", city="Porto", age=30))
    id = customer_of("ana")
    admin.post(f"/customers/{id}/trait/set/?name=city", {"value": "Lyon"})
    admin.post(f"/customers/{id}/trait/set/?name=age", {"value": "31"})
    admin.post(f"/customers/{id}/trait/set/?name=is_admin", {"value": "yes"})
    flow.drain()
    with db.connect(autocommit=True) as conn:
        row = conn.execute("SELECT traits FROM customers WHERE id = %s", (id,)).fetchone()
    assert row is not None
    assert row[0]["city"]["v"] == "Lyon"
    assert row[0]["age"]["v"] == 31
    assert "is_admin" not in row[0]
    rivals = page(admin, f"/customers/{id}/trait/?name=city")
    assert "Porto" in rivals
    assert "Lyon" in rivals


def test_two_customers_are_merged_and_the_merge_is_undone(
    admin: Client, send: Send, customer_of: CustomerOf
) -> None:
    send(told("ana", name="Ana"), told("anna", name="Anna"), order("anna", 70))
    ana, anna = customer_of("ana"), customer_of("anna")
    assert "Are these two one customer?" in page(admin, f"/customers/{ana}/merge/{anna}/")
    admin.post(f"/customers/{ana}/merge/", {"other": anna, "reason": "same voice"})
    flow.drain()
    assert customer_of("anna") == customer_of("ana")
    one = customer_of("ana")
    merged = page(admin, f"/customers/{one}/")
    assert "Staff merged 2 customers" in merged
    assert "Bought 2 products for $70.00" in merged
    gone = anna if one == ana else ana
    assert admin.get(f"/customers/{gone}/")["Location"] == f"/customers/{one}/"
    with db.connect(autocommit=True) as conn:
        operation = identity.operations(conn, customer_id=one)[0].id
    admin.post(f"/customers/{one}/undo/", {"operation": operation})
    flow.drain()
    assert customer_of("ana") != customer_of("anna")
    assert AuditEntry.objects.filter(act="customer.merged").count() == 1


def test_an_analyst_sees_no_contact_details_anywhere(
    sign_in: SignIn, send: Send, customer_of: CustomerOf
) -> None:
    send(
        told(
            "ana", name="Ana Silva", email="ana@secret.example", phone="+12025550143", city="Porto"
        ),
        order("ana"),
    )
    id, analyst = customer_of("ana"), sign_in("analyst")
    with db.connect(autocommit=True) as conn:
        newest = conn.execute("SELECT min(id) FROM interactions").fetchone()
    assert newest is not None
    for address in (f"/customers/{id}/", "/customers/?columns=name&columns=email", "/live/",
                    f"/live/{newest[0]}/", f"/customers/{id}/timeline/{newest[0]}/",
                    f"/customers/{id}/trait/?name=email"):  # fmt: skip
        shown = page(analyst, address)
        assert "secret.example" not in shown, address
        assert "2025550143" not in shown, address
    assert "Nobody found" in page(analyst, "/customers/?q=ana@secret.example")
    assert "Nobody found" in page(analyst, "/customers/?q=12025550143")
    assert "Nobody found" in page(analyst, "/customers/?q=secret")
    assert "Ana Silva" in page(analyst, "/customers/?q=silva")
    assert "Nothing fits" in page(
        analyst, "/customers/?trait=email%3Dana@secret.example&orders_from=9"
    )
    assert analyst.post(f"/customers/{id}/note/", {"text": "x"}).status_code == 403


def test_a_store_manager_sees_the_customers_of_the_own_stores(
    sign_in: SignIn, send: Send, customer_of: CustomerOf
) -> None:
    send(
        told("ana", name="Ana North"), order("ana", store="330"),
        told("ben", name="Ben South"), order("ben", store="331"),
    )  # fmt: skip
    manager = sign_in("store_manager")
    assert "Ana North" not in page(manager, "/customers/")
    Staff.objects.filter(role="store_manager").update(locations=["330"])
    listed = page(manager, "/customers/")
    assert "Ana North" in listed
    assert "Ben South" not in listed
    assert "Ben South" not in page(manager, "/customers/?q=Ben")
    assert "Ana North" in page(manager, "/customers/?q=Ana")
    assert page(manager, f"/customers/{customer_of('ana')}/")
    assert manager.get(f"/customers/{customer_of('ben')}/").status_code == 404
    assert manager.get("/live/").status_code == 403
    assert "South" not in page(
        manager, f"/loop/?follow={customer_of('ben')}".replace("/loop/", "/")
    )


def test_the_empty_console_says_what_to_do(admin: Client, shop: object) -> None:
    assert "No customers yet" in page(admin, "/customers/")
    assert "Nothing has arrived yet" in page(admin, "/live/")
    assert "No segment yet" in page(admin, "/segments/")
    assert "Nothing to decide" in page(admin, "/suggestions/")
    assert "Nothing was merged yet" in page(admin, "/suggestions/history/")
    assert "Counting today" in page(admin, "/")
    assert "A quiet day so far" in page(admin, "/loop/circle/")
