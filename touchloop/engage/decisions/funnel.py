"""The funnel as generated Python: for each offer, the first answer that holds it back.

A loop over offers and their checks costs ten times what straight code with local names does (200
offers, three checks each: 130 against 15 microseconds). The source is made of numbers only: no
text of an offer or a customer ever gets into it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from touchloop.engage.decisions.asking import Held

Check = tuple[int, Held]  # the place of the answer, and what is said when it is not False
Spoken = tuple[int, str]  # the place of an answer that says itself why, and the stage
# Of the answers: places of the offers that pass, what is held, and (offer's place, stage, why).
Funnel = Callable[[Sequence[Any]], tuple[list[int], list[Held], list[tuple[int, str, Any]]]]


def generate(
    offers: Sequence[tuple[int, Sequence[Spoken], Sequence[Check], Sequence[Spoken]]],
    *,
    answers: int,
) -> Funnel:
    """The function for some offers: (place, asked first, fixed checks, asked last) of each."""
    if not offers:
        return lambda _answers: ([], [], [])
    said: list[Held] = []
    stages: list[str] = []
    lines = ["def funnel(answers):", " passed = []; held = []; spoken = []"]
    lines += [" p = passed.append; h = held.append; s = spoken.append"]
    lines += [" (" + "".join(f"a{n}," for n in range(answers)) + ") = answers"]
    for place, first, fixed, last in offers:
        word = "if"
        for spoken in (first, None, last):
            for each in fixed if spoken is None else ():
                lines.append(f" {word} a{each[0]}: h(H[{len(said)}])")
                said.append(each[1])
                word = "elif"
            for index, stage in spoken or ():
                lines.append(f" {word} a{index}: s(({place}, S[{len(stages)}], a{index}))")
                stages.append(stage)
                word = "elif"
        lines.append(f" else: p({place})" if word == "elif" else f" p({place})")
    lines.append(" return passed, held, spoken")
    scope: dict[str, Any] = {"H": said, "S": stages}
    exec(compile("\n".join(lines), "<funnel>", "exec"), scope)
    made: Funnel = scope["funnel"]
    return made
