"""Which column of a file means what.

A target is the namespace of an identifier (`email`, `phone`, `card`, `user_id`, `external:crm`), a
trait (`traits.city`), or empty: the column is left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from touchloop.core.errors import Invalid
from touchloop.profiles.api import permitted

IDENTIFIERS = ("user_id", "card", "email", "phone")  # beside external:<system>
TRAIT = "traits."

# Headings as people write them, folded to letters and digits.
_SYNONYMS = {
    "email": "email emailaddress mail mailaddress emailadresse courriel correo",
    "phone": "phone phonenumber telephone tel telefon mobile mobilephone mobilenumber cell handy",
    "user_id": "userid customerid customernumber customerno clientid kundennummer kundennr",
    "card": "card cardnumber loyaltycard loyaltycardnumber kartennummer",
    "traits.name": "name fullname displayname",
    "traits.firstName": "firstname givenname forename vorname prenom",
    "traits.lastName": "lastname surname familyname nachname nom",
    "traits.birthday": "birthday birthdate dateofbirth dob geburtstag geburtsdatum",
    "traits.gender": "gender sex geschlecht",
    "traits.city": "city town ort stadt ville",
    "traits.postalCode": "postalcode postcode zip zipcode plz",
    "traits.country": "country land pays countrycode",
    "traits.language": "language locale sprache langue",
    "traits.company": "company organisation organization firma",
}
_TARGETS = {word: target for target, words in _SYNONYMS.items() for word in words.split()}


@dataclass(frozen=True, slots=True)
class Columns:
    """The meaning of a file: positions of its columns, by target."""

    keys: tuple[tuple[str, int], ...]  # (namespace, position), the strongest first
    traits: tuple[tuple[str, int], ...]  # (trait, position)


def suggest(headings: Sequence[str]) -> dict[str, str]:
    """A target for every heading: known words first, else a trait of that name."""
    taken: set[str] = set()
    found: dict[str, str] = {}
    for heading in headings:
        target = _TARGETS.get(_folded(heading)) or _as_trait(heading)
        found[heading] = "" if target in taken else target
        taken.add(target)
    return found


def read(headings: Sequence[str], mapping: Mapping[str, str], order: Sequence[str]) -> Columns:
    """Check a mapping against the headings. Raises Invalid, which names the column.

    `order` gives the namespaces from the strongest on; external ones follow `user_id`.
    """
    unknown = [name for name in mapping if name not in headings]
    if unknown:
        raise Invalid("mapping", f"the file has no column {unknown[0]!r}")
    keys: dict[str, int] = {}
    traits: dict[str, int] = {}
    for position, heading in enumerate(headings):
        target = mapping.get(heading, "")
        if not target:
            continue
        into, name = _target(heading, target)
        place = keys if into == "key" else traits
        if name in place:
            raise Invalid("mapping", f"two columns mean {target!r}")
        place[name] = position
    if not keys:
        raise Invalid("mapping", "no column identifies a customer (e-mail, phone, card or an id)")
    ranked = sorted(keys.items(), key=lambda item: _rank(item[0], order))
    return Columns(tuple(ranked), tuple(traits.items()))


def _target(heading: str, target: str) -> tuple[str, str]:
    if target in IDENTIFIERS or re.fullmatch(r"external:[a-z0-9][a-z0-9_.\-]{0,49}", target):
        return "key", target
    name = target.removeprefix(TRAIT)
    if name == target or not re.fullmatch(r"[^\W\d][\w .\-]{0,79}", name):
        raise Invalid("mapping", f"column {heading!r} cannot mean {target!r}")
    _, refused = permitted({name: ""}, trusted=False)
    if refused:
        raise Invalid("mapping", f"column {heading!r}: the trait {name!r} cannot be imported")
    return "trait", name


def _rank(namespace: str, order: Sequence[str]) -> tuple[int, str]:
    return order.index(namespace.split(":")[0]), namespace


def _folded(heading: str) -> str:
    return re.sub(r"[\W_]+", "", heading).casefold()


def _as_trait(heading: str) -> str:
    words = re.findall(r"\w+", heading)
    name = "_".join(word.lower() for word in words).strip("_")[:80]
    if not name or name[0].isdigit():
        name = f"column_{name}"
    kept, _ = permitted({name: ""}, trusted=False)
    return f"{TRAIT}{name}" if kept else f"{TRAIT}imported_{name}"
