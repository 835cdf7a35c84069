"""A labelled list that is hard on purpose: families, twins, fathers and sons of one name, typists.

Households share a surname, an address and a telephone. Twins share a birth date too; a father and a
son share even the name. A person has from one to many records, each typed anew with slips: letters
doubled, lost or swapped, names in the wrong column, fields left empty, a new address, a new e-mail.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta

GIVEN = [
    "anna",
    "ben",
    "carla",
    "david",
    "elena",
    "felix",
    "greta",
    "hugo",
    "ines",
    "jonas",
    "klara",
    "lukas",
    "mara",
    "nils",
    "olga",
    "paul",
    "quentin",
    "rosa",
    "simon",
    "tessa",
    "ulrich",
    "vera",
    "walter",
    "xenia",
    "yusuf",
    "zora",
    "amelie",
    "boris",
    "clara",
    "dennis",
    "emma",
    "fabian",
    "gustav",
    "hanna",
    "ivan",
    "julia",
    "kevin",
    "laura",
    "markus",
    "nina",
    "oskar",
    "petra",
    "ralf",
    "sofia",
    "thomas",
    "uwe",
    "valerie",
    "wanda",
    "yvonne",
    "zacharias",
    "marie",
    "jakob",
    "leonie",
    "konrad",
    "johanna",
    "matthias",
    "theresa",
    "sebastian",
    "magdalena",
]
SURNAME = [
    "mueller",
    "schmidt",
    "schneider",
    "fischer",
    "weber",
    "meyer",
    "wagner",
    "becker",
    "schulz",
    "hoffmann",
    "koch",
    "bauer",
    "richter",
    "klein",
    "wolf",
    "schroeder",
    "neumann",
    "schwarz",
    "zimmermann",
    "braun",
    "krueger",
    "hofmann",
    "hartmann",
    "lange",
    "werner",
    "krause",
    "lehmann",
    "koehler",
    "maier",
    "herrmann",
    "koenig",
    "walter",
    "peters",
    "moeller",
    "huber",
    "kaiser",
    "fuchs",
    "lang",
    "scholz",
    "weiss",
    "jung",
    "hahn",
    "vogel",
    "friedrich",
    "keller",
    "guenther",
    "frank",
    "berger",
    "winkler",
    "roth",
    "beck",
    "lorenz",
    "baumann",
    "franke",
    "albrecht",
    "schuster",
    "simon",
    "ludwig",
    "boehm",
    "winter",
    "kraus",
    "martin",
    "schumacher",
    "vogt",
]
STREETS = [
    "hauptstrasse",
    "bahnhofstrasse",
    "gartenweg",
    "schulstrasse",
    "dorfstrasse",
    "bergstrasse",
    "lindenallee",
    "kirchgasse",
    "waldweg",
    "ringstrasse",
    "amselweg",
    "goethestrasse",
    "rosenweg",
    "mozartstrasse",
    "feldstrasse",
    "muehlweg",
    "poststrasse",
    "schillerstrasse",
    "wiesenweg",
    "birkenweg",
    "marktplatz",
    "parkstrasse",
    "talstrasse",
    "seestrasse",
    "blumenweg",
    "jahnstrasse",
    "fliederweg",
    "eichenweg",
    "tannenweg",
    "lerchenweg",
]
CITIES = [
    "berlin",
    "hamburg",
    "muenchen",
    "koeln",
    "frankfurt",
    "stuttgart",
    "dresden",
    "leipzig",
    "bremen",
    "essen",
    "bonn",
    "kiel",
    "mainz",
    "ulm",
    "jena",
]
COLUMNS = ("id", "vorname", "nachname", "geburtsdatum", "email", "telefon", "strasse", "plz", "ort",
           "truth")  # fmt: skip

MAILS = ("mail", "post", "web")

Row = tuple[str, ...]


@dataclass
class Person:
    number: int
    given: str
    surname: str
    born: date
    email: str
    phone: str
    street: str
    postcode: str
    city: str


def rows(*, people: int, seed: int, slips: float = 0.15, large: int = 40) -> list[Row]:
    """Rows of COLUMNS for so many people; `slips` is the chance of an error in a field."""
    chance = random.Random(seed)
    found: list[tuple[str, ...]] = []
    for person in _people(people, chance):
        count = min(1 + int(chance.expovariate(0.6)), 12)
        if chance.random() < 0.02:
            count = chance.randint(large // 2, large)
        for _ in range(count):
            found.append(_record(person, chance, slips))
    chance.shuffle(found)
    return [(str(number), *row) for number, row in enumerate(found)]


def _people(count: int, chance: random.Random) -> list[Person]:
    made: list[Person] = []
    while len(made) < count:
        made += _household(len(made), chance)
    return made[:count]


def _household(first: int, chance: random.Random) -> list[Person]:
    surname = chance.choice(SURNAME)
    street = f"{chance.choice(STREETS)} {chance.randint(1, 120)}"
    place = chance.randrange(len(CITIES))
    postcode, city = f"{10 + place * 5}{chance.randint(100, 130)}", CITIES[place]
    phone = f"0{chance.randint(200, 999)}{chance.randint(10**5, 10**6)}"
    grown = date(1945, 1, 1) + timedelta(chance.randrange(16_000))
    young = date(grown.year + 27, 1, 1) + timedelta(chance.randrange(3_000))
    kind = chance.random()
    names = chance.sample(GIVEN, 4)
    if kind < 0.35:
        births = [(names[0], grown)]
    elif kind < 0.65:
        births = [(names[0], grown), (names[1], grown + timedelta(chance.randrange(1_500)))]
    elif kind < 0.8:  # twins
        births = [(names[0], grown), (names[1], young), (names[2], young)]
    else:  # father and son of one name
        births = [(names[0], grown), (names[0], young), (names[1], grown + timedelta(700))]
    return [
        Person(first + at, given, surname, born,
               f"{given}.{surname}{chance.randint(1, 999)}@{chance.choice(MAILS)}.example",
               phone if chance.random() < 0.7 else f"017{chance.randint(10**7, 10**8)}",
               street, postcode, city)
        for at, (given, born) in enumerate(births)
    ]  # fmt: skip


def _record(person: Person, chance: random.Random, slips: float) -> tuple[str, ...]:
    given, surname, born = person.given, person.surname, person.born.strftime("%d.%m.%Y")
    fields = [given, surname, born, person.email, person.phone, person.street, person.postcode,
              person.city]  # fmt: skip
    if chance.random() < slips / 4:
        fields[0], fields[1] = fields[1], fields[0]
    if chance.random() < slips / 3:
        fields[3] = f"{given[0]}{surname}{chance.randint(1, 9999)}@new.example"
    if chance.random() < slips / 3:
        fields[5] = f"{chance.choice(STREETS)} {chance.randint(1, 120)}"
        place = chance.randrange(len(CITIES))
        fields[6], fields[7] = f"{10 + place * 5}{chance.randint(100, 130)}", CITIES[place]
    for at, text in enumerate(fields):
        roll = chance.random()
        if roll < slips / 2:
            fields[at] = _slip(text, chance)
        elif roll < slips and at not in (1,) or at == 3 and roll < 0.4:
            fields[at] = ""
    return (*fields, str(person.number))


def _slip(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text))
    kind = chance.randrange(4)
    if kind == 0:
        return text[:at] + text[at + 1 :]
    if kind == 1 and at + 1 < len(text):
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    letter = chance.choice("0123456789") if text[at].isdigit() else chance.choice("aeinrst")
    return text[:at] + letter + text[at + 1 :] if kind == 2 else text[:at] + letter + text[at:]
