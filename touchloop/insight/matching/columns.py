"""What a column of a list of people is: told by its name, and by what stands in it.

A column that says nothing (always the same, empty, a number of the row) is left out, with a word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

GIVEN: Final = "given"
SURNAME: Final = "surname"
FULL_NAME: Final = "full_name"
BORN: Final = "born"
EMAIL: Final = "email"
PHONE: Final = "phone"
POSTCODE: Final = "postcode"
CITY: Final = "city"
STATE: Final = "state"
STREET: Final = "street"
HOUSE: Final = "house"
NATIONAL_ID: Final = "national_id"
SEX: Final = "sex"
TEXT: Final = "text"

_BY_NAME: Final[tuple[tuple[str, str], ...]] = (
    # What says who a row is, or which answer is right, must not be compared.
    ("", r"(unique|row|record|rec|cluster|entity|group|customer|person|simulant|true|source)?"
         r" ?(id|no|nr|number|key|index|uuid|guid)|cluster|entity|label|truth|true match|match"
         r"|source( dataset| system)?|dataset|household id|created( at)?|updated( at)?"
         r"|(created|updated|modified|last seen|first seen) .*"),
    (BORN, r".*\b(dob|birth ?date|birthday|date of birth|born|birth ?dt|geburtsdatum|geboren"
           r"|date de naissance|fecha de nacimiento|geboortedatum|data di nascita)\b.*"),
    (EMAIL, r".*\b(e ?mail|mail|email ?address)\b.*"),
    (PHONE, r".*\b(phone|telephone|tel|mobile|cell|handy|telefon|telefono|msisdn|fax)\b.*"),
    (NATIONAL_ID, r".*\b(ssn|soc ?sec( id)?|social security.*|national id|nino|nhs( number)?|tax id"
                  r"|passport.*|personal (id|number)|nif|dni|cpf|bsn|pesel|licen[cs]e.*"
                  r"|steuer id)\b.*"),
    (FULL_NAME, r"(first|given|fore) ?(name)? (and|und|et|y|e) (sur|last|family) ?names?"
                r"|(sur|last|family) ?(name)? (and|und|et|y|e) (first|given|fore) ?names?"
                r"|vor und nachname|nombre y apellidos?|nom et prenom|nome e cognome"),
    (GIVEN, r".*\b(given|first|fore|christian) ?names?\b.*|given|first|fore|vorname|prenom|nombre"
            r"|voornaam|nome|fname|firstname"),
    (SURNAME, r".*\b(sur|last|family|maiden) ?names?\b.*|surname|last|nachname|familienname"
              r"|nom( de famille)?|apellidos?|achternaam|cognome|lname|lastname"),
    (POSTCODE, r".*\b(post ?code|postal ?code|zip( ?code)?|plz|postleitzahl|code postal|cap)\b.*"),
    (HOUSE, r".*\b(street|house|building|street ?no) ?(number|num|no|nr)\b.*|hausnummer|house"),
    (STREET, r".*\b(address|addr|street|strasse|straße|rue|calle|via|road|adresse)\b.*( ?\d)?"),
    (CITY, r".*\b(city|town|suburb|locality|ort|stadt|ville|ciudad|citta|place|municipality"
           r"|wohnort)\b.*"),
    (STATE, r".*\b(state|region|province|county|country|land|district|canton|nation)\b.*"),
    (SEX, r".*\b(sex|gender|geschlecht|sexe|salutation|anrede|title|mr mrs)\b.*"),
    (FULL_NAME, r".*\b(full|display|complete|customer|person|contact)? ?names?\b.*"),
)  # fmt: skip
_PATTERNS: Final = tuple((kind, re.compile(pattern)) for kind, pattern in _BY_NAME)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_DATE = re.compile(
    r"(18|19|20)\d\d[-/.]?[01]\d[-/.]?[0-3]\d([T ].*)?|[0-3]?\d[-/. ][0-3]?\d[-/. ](18|19|20)?\d\d"
    r"|[0-3]?\d[ -][A-Za-z]{3,9}[ -]\d{2,4}"
)
_PHONE = re.compile(r"\+?[\d()/\-. ]{7,20}")
_LIKELY = 0.6  # share of values of a form, from which a column is of that form
_SAME = 0.995  # one value in more of the rows than this: it tells nobody apart


@dataclass(frozen=True, slots=True)
class Seen:
    """What stands in a column: rows with a value, distinct values, the most frequent's rows."""

    filled: int
    distinct: int
    top: int
    examples: Sequence[str]


@dataclass(frozen=True, slots=True)
class Field:
    """A column of the input, what it is, and how it is called once it is cleaned."""

    column: str
    kind: str
    name: str


def fields_of(
    seen: Mapping[str, Seen], rows: int, *, few: bool = False
) -> tuple[tuple[Field, ...], tuple[str, ...]]:
    """The fields among columns that are neither the id nor the truth, and words on those left out.

    `seen` is by the name of the column, in the order of the file; `rows` how many there are. With
    `few` the rows are held against others: what is the same in all of them still tells something.
    """
    found: list[Field] = []
    words: list[str] = []
    for column, what in seen.items():
        kind = kind_of(column, what)
        against = _useless(kind, what, 0 if few and kind != TEXT else rows)
        if against:
            words.append(f"column {column}: {against}; it is left out")
            continue
        before = sum(1 for field in found if field.kind == kind)
        found.append(field_of(column, kind, before + 1))
    return tuple(found), tuple(words)


def field_of(column: str, kind: str, nth: int) -> Field:
    """The field that a column becomes, the `nth` of its kind from 1."""
    return Field(column, kind, kind if nth == 1 else f"{kind}_{nth}")


def kind_of(column: str, what: Seen) -> str:
    """The kind of one column; "" for a number of the row, TEXT where nothing else fits."""
    words = _words(column)
    named = next((kind for kind, pattern in _PATTERNS if pattern.fullmatch(words)), TEXT)
    if named in (BORN, EMAIL):
        return named
    if _share(_EMAIL, what) >= _LIKELY:
        return EMAIL
    if named == TEXT and _share(_DATE, what) >= _LIKELY:
        return BORN
    if named == TEXT and _share(_PHONE, what) >= _LIKELY and _digits(what) >= 7:
        return PHONE
    return named


def _useless(kind: str, what: Seen, rows: int) -> str:
    if not what.filled:
        return "it is empty"
    if kind == "":
        return "its name says that it numbers rows or tells the answer"
    if rows and (what.distinct == 1 or what.top > _SAME * rows):
        return "it says the same of nearly everybody"
    if kind == TEXT and what.distinct == what.filled and what.filled > 1 and _plain(what):
        return "its values are all different, like a number of the row"
    return ""


def _plain(what: Seen) -> bool:
    return all(len(example.split()) == 1 for example in what.examples)


def _words(column: str) -> str:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column.strip())
    return " ".join(re.sub(r"[\W_]+", " ", spaced).lower().split())


def _share(pattern: re.Pattern[str], what: Seen) -> float:
    if not what.examples:
        return 0.0
    fitting = sum(1 for example in what.examples if pattern.fullmatch(example.strip()))
    return fitting / len(what.examples)


def _digits(what: Seen) -> float:
    counts = sorted(sum(letter.isdigit() for letter in example) for example in what.examples)
    return counts[len(counts) // 2] if counts else 0
