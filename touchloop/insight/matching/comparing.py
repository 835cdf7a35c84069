"""How two records are compared: for each thing known of a person, levels from "the same" down.

A level is a condition in SQL and what it means in words. The weights of the levels are learned
(learning.py); which levels there are is written here, once for each kind of column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from touchloop.insight.matching import columns
from touchloop.insight.matching.columns import Field

NAME: Final = "name"


@dataclass(frozen=True, slots=True)
class Level:
    """One outcome of a comparison; `common` names the column whose frequent values weigh less.

    `guess` is P(outcome | same person) to fall back on where the data show too little of it.
    `surname` says that the surname agrees, whatever the given name does.
    """

    words: str
    condition: str
    guess: float
    common: str = ""
    surname: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """One thing that is compared. `missing` is the condition under which it says nothing."""

    name: str
    columns: tuple[str, ...]
    missing: str
    levels: tuple[Level, ...]

    def settings(self) -> dict[str, Any]:
        """As Splink wants it; levels by their order, the best first."""
        levels: list[dict[str, Any]] = [
            {"sql_condition": self.missing, "is_null_level": True, "label_for_charts": "missing"}
        ]
        for level in self.levels:
            written: dict[str, Any] = {
                "sql_condition": level.condition,
                "label_for_charts": level.words,
            }
            if level.common:
                written |= {"tf_adjustment_column": level.common, "tf_minimum_u_value": RAREST}
            levels.append(written)
        return {"output_column_name": self.name, "comparison_levels": levels}


RAREST: Final = 1e-6  # a value that only one record has is not thereby infinitely telling


def comparisons_of(fields: Sequence[Field], cleaned: Sequence[str]) -> tuple[Comparison, ...]:
    """The comparisons for a cleaned table with these columns."""
    made: list[Comparison] = []
    both = {"given", "surname"} <= set(cleaned)
    if both:
        made.append(_name())
    for field in fields:
        if both and field.name in ("given", "surname") or field.kind == columns.FULL_NAME:
            continue
        made.append(_of_kind(field))
    return tuple(made)


def _name() -> Comparison:
    """Given name and surname as one: they come swapped, and one without the other says less."""
    one_missing = "(given_l IS NULL OR given_r IS NULL)"
    other_missing = "(surname_l IS NULL OR surname_r IS NULL)"
    surname, given = '"surname_l" = "surname_r"', '"given_l" = "given_r"'
    levels = (
        Level("the same name", '"both_names_l" = "both_names_r"', 0.55, "both_names",
              surname=True),
        Level("names alike", "match_names(given_l, surname_l, given_r, surname_r)", 0.14,
              surname=True),
        Level("the same surname, given name missing", f"{surname} AND {one_missing}", 0.06,
              "surname", surname=True),
        Level("the same given name, surname missing", f"{given} AND {other_missing}", 0.06,
              "given"),
        Level("given name of one is surname of the other, the rest missing",
              "match_crossed(given_l, surname_l, given_r, surname_r)"
              f" AND ({one_missing} OR {other_missing})", 0.02),
        Level("the same surname, given names a little alike",
              f"{surname} AND match_alike(given_l, given_r, 0.7)", 0.03, "surname",
              surname=True),
        Level("the same surname, another given name", surname, 0.02, "surname",
              surname=True),
        Level("the same given name, another surname", given, 0.05, "given"),
        Level("one of the names alike",
              "match_alike(surname_l, surname_r, 0.88) OR match_alike(given_l, given_r, 0.88)",
              0.03),
        Level("another name", "ELSE", 0.04),
    )  # fmt: skip
    missing = "(given_l IS NULL AND surname_l IS NULL) OR (given_r IS NULL AND surname_r IS NULL)"
    return Comparison(NAME, ("given", "surname", "both_names"), missing, levels)


def _of_kind(field: Field) -> Comparison:
    name = field.name
    if field.kind == columns.BORN:
        used: tuple[str, ...] = (name, f"{name}_day")
        levels = _born(name)
    else:
        used = (name,)
        levels = _LEVELS.get(field.kind, _text)(name)
    return Comparison(name, used, f'"{name}_l" IS NULL OR "{name}_r" IS NULL', levels)


def _born(name: str) -> tuple[Level, ...]:
    left, right = f'"{name}_l"', f'"{name}_r"'
    day = f'abs("{name}_day_l" - "{name}_day_r")'
    return (
        Level("born on the same day", f"{left} = {right}", 0.80, name),
        Level("one digit of the birth date differs",
              f"match_slips({left}, {right}, 1) OR {left} = match_turned({right})", 0.10),
        Level("two of day, month and year of birth agree",
              f"match_parts({left}, {right}) = 2", 0.04),
        Level("born within a year", f"{day} <= 366", 0.02),
        Level("born within ten years", f"{day} <= 3653", 0.02),
        Level("another birth date", "ELSE", 0.02),
    )  # fmt: skip


def _email(name: str) -> tuple[Level, ...]:
    left, right = f'"{name}_l"', f'"{name}_r"'
    before = f"nullif(split_part({left}, '@', 1), '') = nullif(split_part({right}, '@', 1), '')"
    return (
        Level("the same e-mail", f"{left} = {right}", 0.70, name),
        Level("the same e-mail before the @", before, 0.08),
        Level("e-mails differ by one or two letters",
              f"match_slips({left}, {right}, 2)", 0.08),
        Level("e-mails alike", f"match_near({left}, {right}, 0.9)", 0.04),
        Level("another e-mail", "ELSE", 0.10),
    )  # fmt: skip


def _number(name: str) -> tuple[Level, ...]:
    left, right = f'"{name}_l"', f'"{name}_r"'
    return (
        Level("the same number", f"{left} = {right}", 0.80, name),
        Level("one digit differs", f"match_slips({left}, {right}, 1)", 0.08),
        Level("two digits differ", f"match_slips({left}, {right}, 2)", 0.02),
        Level("another number", "ELSE", 0.10),
    )


def _code(name: str) -> tuple[Level, ...]:
    left, right = f'"{name}_l"', f'"{name}_r"'
    return (
        Level("the same", f"{left} = {right}", 0.80, name),
        Level("one character differs", f"match_slips({left}, {right}, 1)", 0.08),
        Level("different", "ELSE", 0.12),
    )


def _text(name: str) -> tuple[Level, ...]:
    left, right = f'"{name}_l"', f'"{name}_r"'
    joined = f"replace({left}, ' ', '') = replace({right}, ' ', '')"
    return (
        Level("the same", f"{left} = {right}", 0.75, name),
        Level("nearly the same",
              f"match_near({left}, {right}, 0.92) OR {joined}", 0.10),
        Level("alike", f"match_near({left}, {right}, 0.8)", 0.03),
        Level("different", "ELSE", 0.12),
    )  # fmt: skip


def _short(name: str) -> tuple[Level, ...]:
    return (
        Level("the same", f'"{name}_l" = "{name}_r"', 0.92, name),
        Level("different", "ELSE", 0.08),
    )


_LEVELS: Final = {
    columns.EMAIL: _email,
    columns.PHONE: _number,
    columns.NATIONAL_ID: _number,
    columns.POSTCODE: _code,
    columns.HOUSE: _code,
    columns.STATE: _short,
    columns.SEX: _short,
}

# In macros, so that Splink need not take apart what is only asked as a whole. CASE, because it is
# worked out only for the pairs that get there; the third argument lets a comparison give up early.
MACROS: Final = (
    """
CREATE OR REPLACE MACRO match_near(a, b, least_) AS
  coalesce(jaro_winkler_similarity(a, b, least_) >= least_, false)""",
    """
CREATE OR REPLACE MACRO match_alike(a, b, least_) AS
  CASE WHEN match_near(a, b, least_) THEN true
       WHEN least(length(a), length(b)) >= 3 THEN starts_with(a, b) OR starts_with(b, a)
       ELSE false END""",
    """
CREATE OR REPLACE MACRO match_names(given, surname, given_, surname_) AS
  CASE WHEN match_alike(given, given_, 0.88) THEN match_alike(surname, surname_, 0.88)
       WHEN match_near(given, surname_, 0.9) THEN match_near(surname, given_, 0.9)
       ELSE false END""",
    """
CREATE OR REPLACE MACRO match_slips(a, b, most) AS
  CASE WHEN abs(length(a) - length(b)) > most THEN false
       WHEN levenshtein(a, b) > 2 * most THEN false  -- ten times cheaper, and never less
       ELSE damerau_levenshtein(a, b) <= most END""",
    """
CREATE OR REPLACE MACRO match_crossed(given, surname, given_, surname_) AS
  coalesce(given = surname_, false) OR coalesce(surname = given_, false)""",
    """
CREATE OR REPLACE MACRO match_turned(day) AS
  substr(day, 1, 4) || substr(day, 7, 2) || substr(day, 5, 2)""",
    """
CREATE OR REPLACE MACRO match_parts(a, b) AS
  CAST(substr(a, 1, 4) = substr(b, 1, 4) AS INTEGER)
  + CAST(substr(a, 5, 2) = substr(b, 5, 2) AS INTEGER)
  + CAST(substr(a, 7, 2) = substr(b, 7, 2) AS INTEGER)""",
)
