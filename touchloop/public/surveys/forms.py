"""The form of a survey: what it shows, and what of a request it takes."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.http import QueryDict

from touchloop.core.errors import Invalid
from touchloop.experience.surveys import api as surveys


@dataclass(frozen=True, slots=True)
class Choice:
    """One radio button."""

    value: int
    chosen: bool


@dataclass(frozen=True, slots=True)
class Scale:
    """A question with its radio buttons."""

    name: str
    question: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Filled:
    """What was filled in, kept when something of it is wrong."""

    chosen: dict[str, int] = field(default_factory=dict)
    text: str = ""
    error: str = ""
    wrong: str = ""  # the field that the error is about


def filled(data: QueryDict) -> Filled:
    """What a request carries; numbers that are none are not there."""
    chosen = {}
    for name in data:
        value = str(data.get(name, ""))
        ours = name == "score" or name.startswith("rating_")
        if ours and value.isascii() and value.isdigit() and len(value) < 4:
            chosen[name] = int(value)
    return Filled(chosen, str(data.get("text", "")).replace("\r\n", "\n"))


def reply(given: Filled, *, seconds: float | None) -> surveys.Reply:
    """What was chosen. Raises Invalid without a score."""
    if "score" not in given.chosen:
        raise Invalid("score", "")
    ratings = {
        name.removeprefix("rating_"): value
        for name, value in given.chosen.items()
        if name.startswith("rating_")
    }
    return surveys.Reply(given.chosen["score"], given.text, ratings, seconds)


def score_scale(survey: surveys.Survey, words: surveys.Words, given: Filled) -> Scale:
    """The score's question."""
    low, high = survey.scale
    return _scale("score", words.question, low, high, given)


def rating_scales(words: surveys.Words, given: Filled) -> list[Scale]:
    """The further questions."""
    low, high = surveys.RATING
    return [_scale(f"rating_{each.id}", each.question, low, high, given) for each in words.ratings]


def _scale(name: str, question: str, low: int, high: int, given: Filled) -> Scale:
    chosen = given.chosen.get(name)
    return Scale(
        name, question, tuple(Choice(value, value == chosen) for value in range(low, high + 1))
    )
