"""`basket`: what goes with what in a file of baskets, counted exactly."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from touchloop.cli import runtime
from touchloop.cli.output import result, say, table
from touchloop.core.errors import Invalid, WrongSetting

if TYPE_CHECKING:
    from touchloop.insight.affinity.api import Mined


def basket(
    file: Annotated[Path, typer.Argument(help="One basket a line, its items side by side.")],
    support: Annotated[
        str, typer.Option(help="In how many baskets at least: 1%, 0.01, 1/100 or 89 baskets.")
    ] = "1%",
    confidence: Annotated[
        str, typer.Option(help="How sure a rule is at least: 80%, 0.8 or 4/5, taken exactly.")
    ] = "50%",
    max_size: Annotated[
        int | None, typer.Option(min=1, help="How many items a set has at most.")
    ] = None,
    top: Annotated[
        int, typer.Option(min=0, max=100_000, help="How many pairs and rules are listed.")
    ] = 20,
    separator: Annotated[
        str, typer.Option(help="Between items: auto, comma, space, tab, semicolon or a character.")
    ] = "auto",
    largest: Annotated[
        int, typer.Option(min=1, help="Baskets with more different items are left out.")
    ] = 1_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Count what is bought together: sets, rules with one consequent, pairs with their lift.

    Examples:

        touchloop basket baskets.csv --support 0.5% --confidence 4/5

        touchloop basket retail.dat --support 89 --confidence 0.5 --json
    """
    with result(as_json=as_json) as emit:
        runtime.setup_django()  # words in the reader's language
        from touchloop.insight.affinity import api as affinity

        try:
            baskets = affinity.read_baskets(file, separator=separator, largest=largest)
            found = affinity.mine(
                baskets, support=support, confidence=confidence, max_size=max_size, top=top
            )
        except Invalid as wrong:
            raise WrongSetting(f"basket: {wrong}") from None
        emit(_plain(asdict(found)))
        if not as_json:
            _show(found)


def _show(found: Mined) -> None:
    say(
        f"{found.baskets:,} baskets, {found.items:,} items, {found.entries:,} entries;"
        f" {found.itemsets:,} sets in at least {found.support_count:,} baskets,"
        f" {found.rules:,} rules ({found.seconds:.2f} s)"
    )
    for words in found.words:
        say(words)
    table(
        ["Together", "Baskets", "Lift", "95 %", "q"],
        [
            [
                f"{pair.a} + {pair.b}", f"{pair.both:,}", f"{pair.lift:.3f}",
                f"{pair.low:.3f} – {pair.high:.3f}", f"{pair.q:.2g}",
            ]
            for pair in found.pairs
        ],
    )  # fmt: skip


def _plain(value: Any) -> Any:
    """JSON knows no infinity."""
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
