"""The written form of identifiers, and what is never one."""

from __future__ import annotations

import email_validator
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchloop.identity import namespaces
from touchloop.identity.namespaces import normalise


@pytest.mark.parametrize(
    ("namespace", "raw", "written"),
    [
        ("email", " Ada.Lovelace@Example.COM ", "ada.lovelace@example.com"),
        ("email", "ada+shop@example.test", "ada+shop@example.test"),
        ("email", "JÖRG@bücher.example", "jörg@bücher.example"),
        ("email", "jo\u0308rg@bücher.example", "jörg@bücher.example"),
        ("phone", "(415) 555-2671", "+14155552671"),
        ("phone", "+49 30 901820", "+4930901820"),
        ("phone", "+1 415-555-2671 ext. 12", "+14155552671;ext=12"),
        ("card", "6006 4912-3456.7890", "6006491234567890"),
        ("card", "ab-12", "AB12"),
        ("card", "1", "1"),
        ("user_id", "  U-1 ", "U-1"),
        ("user_id", 42, "42"),
        ("anonymous_id", "5f0c…", "5f0c…"),
        ("external:crm", "X1", "X1"),
    ],
)
def test_is_written_in_one_form(namespace: str, raw: object, written: str) -> None:
    assert normalise(namespace, raw) == written
    assert normalise(namespace, written) == written


@pytest.mark.parametrize(
    ("namespace", "raw"),
    [
        *(("user_id", word) for word in ("", " ", "null", "GUEST", "None", "undefined", "0", "-1")),
        *(("user_id", word) for word in ("anonymous", "N/A", "NaN", "[object Object]", "test")),
        ("anonymous_id", "00000000-0000-0000-0000-000000000000"),
        ("device", "0000"),
        ("card", "000-000"),
        ("email", "nobody"),
        ("email", "a@b"),
        ("email", "a@@b.com"),
        ("email", "test@test.com"),
        ("email", "a" * 65 + "@example.com"),
        ("phone", "12"),
        ("phone", "call me"),
        ("user_id", "a\x00b"),
        ("user_id", "\ud800"),
        ("user_id", "x" * 501),
        ("user_id", True),
        ("user_id", None),
        ("user_id", 1.5),
        ("external:", "1"),
        ("external:a b", "1"),
        ("shoe_size", "42"),
    ],
)
def test_refuses_what_names_nobody(namespace: str, raw: object) -> None:
    assert normalise(namespace, raw) is None


def test_types_of_external_ids_find_their_namespace() -> None:
    assert namespaces.for_external_id("email") == "email"
    assert namespaces.for_external_id("ios.idfa") == "device"
    assert namespaces.for_external_id("CRM") == "external:crm"
    assert namespaces.for_external_id("no good") is None


@given(st.text(max_size=40), st.sampled_from(["user_id", "card", "email", "phone", "external:a"]))
def test_normalising_twice_changes_nothing(raw: str, namespace: str) -> None:
    once = normalise(namespace, raw)
    if once is not None:
        assert normalise(namespace, once) == once


WORDS = st.text("ab1", min_size=1, max_size=4)


@given(st.lists(WORDS, min_size=1), st.sampled_from([".", "-"]), st.lists(WORDS, min_size=1))
def test_the_short_way_for_plain_addresses_agrees_with_the_validator(
    local: list[str], mark: str, domain: list[str]
) -> None:
    address = f"{mark.join(local)}@{'.'.join(domain)}.com"
    try:
        checked = email_validator.validate_email(
            address, check_deliverability=False, test_environment=True, strict=True
        ).normalized
    except email_validator.EmailNotValidError:
        checked = None
    assert normalise("email", address) in (checked, None if "@a.com" in address else checked)
