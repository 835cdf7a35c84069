"""A letter whose names were put in afterwards is the letter that was rendered with them."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from touchloop.channels.email import letters, naming, templates
from touchloop.channels.email.language import clean
from touchloop.channels.email.templates import Written
from touchloop.channels.email.tests.test_compiling import HOUSE
from touchloop.channels.seam import Delivery

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TEMPLATES = (
    ("Hi {{ customer.first_name }}", "<p>Dear {{ customer.first_name | default: 'you' }}</p>"),
    ("{{customer.title}} {{-customer.last_name-}}", "<p title='{{ customer.first_name }}'>é</p>"),
    ("{% if customer.title %}{{ customer.title }}{% else %}you{% endif %}", "<p>= {{ name }}</p>"),
    ("News", "{% unless customer.last_name %}<p>x</p>{% endunless %}<b>{{customer.last_name}}</b>"),
)
WORDS = st.text(max_size=40).map(lambda text: " ".join(str(clean(text)).split()))
READERS = st.dictionaries(st.sampled_from(naming.READER), WORDS.filter(bool))


@given(st.sampled_from(TEMPLATES), READERS)
@example(TEMPLATES[0], {"first_name": "Zoë <b> & 'Co' =3D"})
@example(TEMPLATES[0], {"first_name": ".\N{PERSON WITH BALL}"})
@example(TEMPLATES[1], {"first_name": "a=b", "last_name": "{{ x }}", "title": "customer"})
def test_names_put_in_read_like_names_rendered(
    said: tuple[str, str], reader: dict[str, str]
) -> None:
    written = templates.draft(subject=said[0], body=said[1], markup="html", topic="news")
    assert written.names_apart
    if naming.fits(reader):
        assert _read(written, reader, apart=True) == _read(written, reader, apart=False)


@pytest.mark.parametrize(
    "source",
    [
        "{{ customer.first_name | upcase }}", "{{ customer['first_name'] }}", "{{ customer }}",
        "{% assign n = customer.first_name %}", "{% if customer.first_name == 'Ana' %}x{% endif %}",
        "{% capture n %}{{ customer.title }}{% endcapture %}", "{{ customer.first_name.size }}",
        "{% for x in customer %}{{ x }}{% endfor %}", "{{ customer.first_name | default: name }}",
        "{{ name | append: customer.title }}", "{% case customer.title %}{% endcase %}",
        "{{ customer.first_name | default: 'x' | upcase }}", "{{ customer.email }}",
        "{% if name or customer.title %}x{% endif %}",
        '<a href="\ue000hhttps://x.example/{{ customer.first_name }}\ue001">x</a>',
    ],
)  # fmt: skip
def test_a_template_that_does_more_with_a_name_is_rendered_for_each_reader(source: str) -> None:
    assert not naming.apart(source)


@pytest.mark.parametrize("word", ["", "x" * 65, "<" * 20, 7])
def test_words_that_are_no_name_go_the_long_way(word: object) -> None:
    assert not naming.fits({"first_name": word})


def _read(written: Written, reader: dict[str, str], *, apart: bool) -> tuple[str, str, str]:
    """Subject, text and HTML, as a mail program reads them."""
    words = letters.words(
        written,
        {"name": "Ü"},
        reader=naming.marks(reader) if apart else reader,
        house=HOUSE,
        measured=False,
    )
    encoded = apart and not naming.plain(reader)
    cut = letters.stencil(written, words, house=HOUSE, numbers=None, encoded=encoded)
    delivery = Delivery(
        1, 2, 3, "marketing", "news", "email", "a@mail.example", "week", 1, {}, "1.token"
    )
    made = letters.letter(delivery, cut, house=HOUSE, now=NOON, reader=reader if apart else {})
    mail = message_from_bytes(made.headers.block() + b"\r\n" + made.body, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    text, html = (str(part.get_content()) for part in mail.iter_parts())
    assert all(len(line) < 998 for line in made.body.split(b"\r\n"))
    return str(mail["subject"]), text, unescape(html)  # an apostrophe is escaped in two ways
