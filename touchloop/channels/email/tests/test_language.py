"""The attack cases: a value stays a value, and a template spends no more than it may."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchloop.channels.email.language import clean, render, template
from touchloop.core.errors import Invalid

SECRET = "a-secret-nobody-may-see"


def made(source: str, *, html: bool = True, **data: Any) -> str:
    return render(template(source, html=html), clean(data))


@pytest.mark.parametrize(
    "value",
    [
        "{{7*7}}", "{{ secret }}", "{% if true %}x{% endif %}", "{{ config }}", "${7*7}",
        "<%= 7*7 %>", "{{ self.__init__.__globals__ }}", "{%raw%}", "%(secret)s", "{0.__class__}",
        "{{ secret | upcase }}", "#{7*7}", "{{ 'a' | append: secret }}",
    ],
)  # fmt: skip
def test_a_value_never_becomes_code(value: str) -> None:
    said = made("Hello {{ name }}!", html=False, name=value, secret=SECRET)
    assert said == f"Hello {value}!"
    assert SECRET not in said.replace(value, "")


def test_a_value_that_holds_code_is_not_rendered_twice_by_a_capture() -> None:
    source = "{% capture a %}{{ name }}{% endcapture %}{{ a }}{{ a | append: '' }}"
    assert made(source, html=False, name="{{7*7}}") == "{{7*7}}" * 2


@pytest.mark.parametrize(
    "source",
    [
        "{% include '../../../etc/passwd' %}", "{% include name %}", "{% render 'secrets' %}",
        "{{ x | safe }}", "{{ x | base64_decode }}", "{{ x | url_decode }}", "{% layout 'x' %}",
        "{{ x | nosuchfilter }}", "{{", "{% if %}", "{% for %}", "{% endfor %}", "{% assign %}",
    ],
)  # fmt: skip
def test_what_leads_out_or_makes_no_sense_is_refused_when_it_is_written(source: str) -> None:
    with pytest.raises(Invalid) as refused:
        template(source, html=True)
    assert refused.value.field == "body"


@pytest.mark.parametrize(
    "source",
    [
        "{{ name.__class__ }}", "{{ name.upper }}", "{{ x.keys }}", "{{ x.__dict__ }}",
        "{{ x['__class__'] }}", "{{ name.format }}", "{{ list.append }}", "{{ config }}",
        "{{ touchloop.seal }}", "{{ env.PATH }}", "{{ nothing.at.all }}",
    ],
)  # fmt: skip
def test_nothing_of_python_can_be_reached(source: str) -> None:
    assert made(source, name="Ana", x={"a": 1}, list=[1]) == ""


class Person:
    name = "Ana"

    def delete(self) -> str:
        raise AssertionError("called")


def test_objects_do_not_get_in() -> None:
    assert clean({"p": Person(), "f": len, "s": {1, 2}, "n": float("nan")}) == {
        "p": None, "f": None, "s": None, "n": None,
    }  # fmt: skip
    assert made("{{ p.name }}{{ p.delete }}", p=Person()) == ""


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in (1..100000) %}{% for j in (1..100000) %}x{% endfor %}{% endfor %}",
        "{{ big | replace: '', big | replace: '', big }}",
        "{% assign a = big %}{% for i in (1..4000) %}{% assign a = a | append: a %}{% endfor %}",
        "{% assign x = (1..100000000) | reverse %}", "{{ (1..10000000000) | join: big }}",
        "{{ (1..300000000) | sort | size }}", "{{ (1..900000000) | map: 'a' }}",
        "{{ big | split: '' | join: big }}",
        "{% for i in (1..4999) %}{{ big }}{% endfor %}",
        "{% tablerow i in (1..10000000) %}x{% endtablerow %}",
        "{{ '2024-01-01' | date: big }}",
        "{% assign n = 9 %}{% for i in (1..4000) %}{% assign n = n | times: n %}{% endfor %}",
    ],
)  # fmt: skip
def test_what_a_template_spends_is_bounded(source: str) -> None:
    began = time.process_time()
    with pytest.raises(Invalid):
        made(source, big="y" * 5_000_000)
    assert time.process_time() - began < 3


def test_a_value_of_five_megabytes_is_clipped() -> None:
    assert len(made("{{ x }}", x="y" * 5_000_000)) == 4_000
    assert len(clean({"x": list(range(100_000))})["x"]) == 200


def test_depth_ends() -> None:
    deep: Any = "x"
    for _ in range(10_000):
        deep = {"a": deep}
    assert "x" not in str(clean(deep))


FILTERS = (
    "upcase", "downcase", "capitalize", "strip", "squish", "truncate:9", "escape", "escape_once",
    "strip_html", "size", "newline_to_br", "strip_newlines", "reverse", "url_encode",
    "append:name", "prepend:name", "remove:'a'", "replace:'a',name", "split:''", "first", "last",
    "join:name", "slice:1,5", "default:name", "date:name", "truncatewords:2", "lstrip",
    "remove_first:'<'", "replace_first:'&',name", "uniq", "compact", "concat:list", "map:'a'",
    "sort",
)  # fmt: skip


@given(
    value=st.text(),
    filter=st.sampled_from(FILTERS),
    other=st.sampled_from(("", "escape", "strip_html", "newline_to_br", "join:name", "append:'>'")),
)
def test_no_filter_lets_a_tag_of_a_value_through(value: str, filter: str, other: str) -> None:
    source = "{{ name | " + filter + (f" | {other}" if other else "") + " }}"
    try:
        said = made(source, name=f"<script>{value}<b>\"'", list=["<i>"])
    except Invalid:
        return
    said = said.replace("<br />", "").replace("<br>", "")
    assert "<" not in said and '"' not in said, source


@given(st.text())
def test_cleaned_text_holds_no_marks_and_nothing_that_turns_writing(value: str) -> None:
    said = clean(value + "\u202e\ue000h\ue001\x00\u2066\r\n\ud800")
    assert not set(said) & set("\u202e\u202d\u2066\u2069\ue000\ue001\x00\r\ud800")
    said.encode()
