"""The customer's page as it will look, drawn from the same pieces as the page itself."""

from __future__ import annotations

from dataclasses import dataclass

from touchloop.experience.surveys.api import RATING, SCALES, Words


@dataclass(frozen=True, slots=True)
class Choice:
    """One radio button."""

    value: int
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Scale:
    """A question with its radio buttons."""

    name: str
    question: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Drawn:
    """All that a customer sees."""

    words: Words
    scale: Scale
    ratings: tuple[Scale, ...]
    identified: bool


def drawn(kind: str, words: Words, *, identified: bool) -> Drawn:
    """The page of these words."""
    return Drawn(
        words,
        Scale("preview_score", words.question, _choices(*SCALES[kind])),
        tuple(
            Scale(f"preview_{each.id}", each.question, _choices(*RATING)) for each in words.ratings
        ),
        identified,
    )


def _choices(low: int, high: int) -> tuple[Choice, ...]:
    return tuple(Choice(value) for value in range(low, high + 1))
