"""From what was written to what is rendered."""

from __future__ import annotations

from typing import Any

import pytest

from touchloop.channels.email import compiling, letters, templates, tokens
from touchloop.channels.email.letters import House
from touchloop.channels.email.tests.conftest import template
from touchloop.core.errors import Invalid

HOUSE = House("Shop", "hello@shop.example", "", "1 High Street", "https://crm.shop.example",
              tokens.Seal(b"i", b"k" * 32))  # fmt: skip


def written(body: str, **given: Any) -> templates.Written:
    return templates.draft(subject="s", body=body, markup="html", **given)


def seen(body: str, **data: Any) -> letters.Words:
    said = letters.words(written(body), data, reader={}, house=HOUSE, measured=False)
    return letters.seen(said, house=HOUSE)


def test_mjml_becomes_html_without_anything_from_elsewhere() -> None:
    html = compiling.to_html(template()["body"], markup="mjml")
    assert "<table" in html and "{{ offer.url }}" in html
    assert "googleapis" not in html and "<link" not in html


def test_mjml_may_not_include_files() -> None:
    with pytest.raises(Invalid, match="MJML"):
        compiling.to_html(
            '<mjml><mj-body><mj-include path="/etc/passwd"/></mj-body></mjml>', markup="mjml"
        )


def test_conditions_may_compare() -> None:
    body = (
        "<mjml><mj-body><mj-section><mj-column><mj-text>"
        "{% if n < 3 and n > 0 %}few{% else %}many{% endif %}"
        "</mj-text></mj-column></mj-section></mj-body></mjml>"
    )
    message = templates.draft(subject="s", body=body, markup="mjml")
    for n, word in ((2, "few"), (9, "many")):
        said = letters.words(message, {"n": n}, reader={}, house=HOUSE, measured=False)
        assert word in said.html and word in said.text


@pytest.mark.parametrize(
    "body",
    [
        "<script>x</script>", '<a href="javascript:alert(1)">x</a>', "<p onclick='x()'>x</p>",
        '<iframe src="https://x.example"></iframe>', "<a href={{ url }}>x</a>",
        "<style>p { color: {{ colour }} }</style>", '<p style="color: {{ colour }}">x</p>',
        "<!-- {{ name }} -->", '<form action="https://x.example"></form>', "<svg onload=x>",
        '<a href="//evil.example">x</a>', '<a href="/\\evil.example">x</a>',
        '<img srcset="https://x.example/a 2x">', "<base href='https://evil.example'>",
        '<a href="data:text/html,x">x</a>', "<{{ tag }}>", "x" * 200_001, "a\ue000b", "{{ x | y }}",
    ],
)  # fmt: skip
def test_what_has_no_place_in_a_mail_is_refused(body: str) -> None:
    with pytest.raises(Invalid) as refused:
        written(body)
    assert refused.value.field == "body"


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", " javascript:alert(1)", "JaVaScRiPt:x", "data:text/html,x",
        "//evil.example/x", "/\\evil.example", "https://shop.example@evil.example/",
        "https:evil.example", 'https://x.example/" onclick="x', "vbscript:x", "file:///etc/passwd",
        "https://x.example/\r\nX: y", "\ue000hhttps://evil.example\ue001", "https://\\evil.example",
        "",
    ],
)  # fmt: skip
def test_a_value_that_is_no_address_leads_nowhere(url: str) -> None:
    said = seen('<a href="{{ url }}">x</a>', url=url)
    link = said.html.split('<a href="')[1].split('"')[0]
    assert link in ("#", "") or link.startswith("https://x.example/"), link
    assert "javascript" not in said.html.lower() and "onclick=" not in said.html
    assert "evil" not in link


def test_every_message_ends_with_why_what_and_how_to_change_it() -> None:
    said = seen("<p>Hi</p>", why="You asked.", used=["a", "b & c", "<i>", "a fourth"])
    for part in (said.html, said.text):
        assert part.index("Hi") < part.index("Why this? You asked." if part is said.text else "You")
        assert "Change what we send and use" in part and "Unsubscribe" in part
        assert "a fourth" not in part and "1 High Street" in part
    assert "b &amp; c; &lt;i&gt;" in said.html and "a; b & c; <i>" in said.text


def test_a_template_cannot_take_the_place_of_the_house() -> None:
    said = seen("<p>{{ touchloop.why }}</p>", touchloop={"why": "forged", "preferences": "x"})
    assert "forged" not in said.html


def test_plain_text_is_derived_with_its_links_and_lists() -> None:
    said = seen(
        "<html><head><style>p{}</style><title>T</title></head><body><h1>Hi {{ name }}</h1>"
        '<p>Look <a href="https://x.example/a?b=1&amp;c=2">here</a>.</p>'
        "<ul>{% for p in products %}<li>{{ p }}</li>{% endfor %}</ul>"
        '<img src="https://x.example/i.png" alt="A cheese"></body></html>',
        name="Ana & Co", products=["one", "two"],
    )  # fmt: skip
    assert said.text.startswith("Hi Ana & Co\n\nLook here (https://x.example/a?b=1&c=2).\n")
    assert "- one" in said.text and "- two" in said.text and "A cheese" in said.text
    assert "p{}" not in said.text


def test_links_of_our_own_can_stand_in_a_body() -> None:
    body = '<p><a href="{{ touchloop.preferences }}">My choices</a></p>'
    message = written(body, kind="service")
    said = letters.words(message, {}, reader={}, house=HOUSE, measured=False)
    stencil = letters.stencil(message, said, house=HOUSE, numbers=None)
    assert [slot for slot, _ in stencil.slots] == ["p"] * 4  # body and end, in both parts
    assert b"https://crm.shop.example/c/p/" in stencil.pieces[0]


def test_a_text_part_that_was_written_is_the_one_that_is_sent() -> None:
    message = written("<p>html</p>", text="Own words for {{ name }}: https://x.example/a")
    said = letters.words(message, {"name": "<Ana>"}, reader={}, house=HOUSE, measured=False)
    assert letters.addresses(said, house=HOUSE) == {"https://x.example/a"}
    assert letters.seen(said, house=HOUSE).text.startswith(
        "Own words for <Ana>: https://x.example/a"
    )
