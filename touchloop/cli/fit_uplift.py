"""`fit uplift`: whom a treatment changes, from any randomised file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from touchloop.cli import runtime
from touchloop.cli.output import result, show, table
from touchloop.core.errors import Invalid, WrongSetting


def uplift(
    file: Annotated[Path, typer.Argument(help="A CSV (also .gz), one row for each person.")],
    treatment: Annotated[str, typer.Option(help="The column that says who got what.")],
    outcome: Annotated[str, typer.Option(help="The column that says what came of it.")],
    control: Annotated[str, typer.Option(help="The value of those who got nothing.")],
    by: Annotated[str, typer.Option(help="Columns that make subgroups, by commas.")] = "",
    ignore: Annotated[str, typer.Option(help="Columns not to learn from, by commas.")] = "",
    causal_forest: Annotated[
        bool, typer.Option("--causal-forest", help="Fit one too (extra `causal`).")
    ] = False,
    seeds: Annotated[int, typer.Option(min=2, max=50, help="How many splits.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="What chance begins with.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Effects with intervals, learners of uplift over several splits, and the learned choice.

    Treatment must have been given by lot. Columns in which the sides differ beyond chance were
    written afterwards and are refused. Gains are in people; the area is above a random order.

    Examples:

        touchloop fit uplift mail.csv --treatment segment --outcome visit --control "No E-Mail"

        touchloop fit uplift mail.csv --treatment arm --outcome spend --control none --by sex --json
    """
    with result(as_json=as_json) as emit:
        runtime.setup_django()  # words in the reader's language
        from touchloop.insight.uplift import api

        try:
            found = api.fit_uplift_file(
                file, treatment=treatment, outcome=outcome, control=control, by=_listed(by),
                ignore=_listed(ignore), forest=causal_forest, seeds=seeds, seed=seed,
            )  # fmt: skip
        except Invalid as wrong:
            raise WrongSetting(f"fit uplift: {wrong}") from None
        emit(found)
        if not as_json:
            _show(found)


def _listed(names: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in names.split(",") if name.strip())


def _show(found: dict[str, Any]) -> None:
    table(
        ["Arm", "People", "Sum", "Mean"],
        [
            [name, f"{arm['n']:,}", f"{arm['sum']:,.2f}", f"{arm['mean']:.6f}"]
            for name, arm in found["arms"].items()
        ],
    )
    for name, contrast in found["contrasts"].items():
        lines = [each for each in (contrast["effect"], *contrast["subgroups"]) if each]
        table(
            [name, "Treated", "Held out", "Effect", "95 %"],
            [
                [
                    each["label"], f"{each['treated']:,}", f"{each['held']:,}",
                    f"{each['value']:+.5f}", f"{each['low']:+.5f} to {each['high']:+.5f}",
                ]
                for each in lines
            ],
        )  # fmt: skip
        table(
            ["Learner", "Qini area, people", "± between splits", "Effect in best 30 %"],
            [
                [
                    learner, f"{each['qini_area']:,.1f}", f"{each['qini_area_sd']:,.1f}",
                    "–"
                    if each["effect_in_top_30"] is None
                    else f"{each['effect_in_top_30']:+.5f}",
                ]
                for learner, each in contrast.get("learners", {}).items()
            ],
        )  # fmt: skip
    show(*found["words"])
