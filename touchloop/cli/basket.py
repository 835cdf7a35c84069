"""`basket`: what goes with what in a file of baskets, counted exactly."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
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
        int | None, typer.Option(min=1, help="Baskets with more different items are left out.")
    ] = None,
    listed: Annotated[
        int, typer.Option(min=0, help="How many sets, and how many rules, the JSON lists at most.")
    ] = 1_000_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Count what is bought together: sets, rules with one consequent, pairs with their lift.

    With --json, all_sets and all_rules list every set, of any size, and every rule, with counts.

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
                baskets, support=support, confidence=confidence, max_size=max_size, top=top,
                listed=listed if as_json else 0,
            )  # fmt: skip
        except Invalid as wrong:
            raise WrongSetting(f"basket: {wrong}") from None
        emit(_plain(found))
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
    table(
        ["Who takes", "Takes also", "Baskets", "Of", "Confidence", "Lift"],
        [
            [
                " + ".join(rule.when), rule.then, f"{rule.both:,}", f"{rule.whole:,}",
                f"{100 * rule.confidence:.1f} %", f"{rule.lift:.3f}",
            ]
            for rule in found.top_rules
        ],
    )  # fmt: skip


def _plain(found: Mined) -> dict[str, Any]:
    """The object, its two long lists to be written piece by piece; JSON knows no infinity."""
    long = {"all_sets": found.all_sets, "all_rules": found.all_rules}
    short = asdict(replace(found, all_sets=(), all_rules=()))
    return {
        **{key: _finite(value) for key, value in short.items()},
        **{key: map(_fields, each) for key, each in long.items()},
    }


def _fields(found: Any) -> dict[str, Any]:
    return {name: getattr(found, name) for name in found.__slots__}


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
