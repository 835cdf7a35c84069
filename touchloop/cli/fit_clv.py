"""`fit clv`: how often customers come again and what they are worth, from any file of purchases."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from touchloop.cli import runtime
from touchloop.cli.output import result, show, table
from touchloop.core.errors import Invalid, WrongSetting


class Unit(StrEnum):
    """What time is counted in."""

    week = "week"
    day = "day"


def clv(
    file: Annotated[Path, typer.Argument(help="Purchases: customer, date, value.")],
    calibration_end: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], help="Learn until this day; judge by what came after it."
        ),
    ] = None,
    unit: Annotated[Unit, typer.Option(help="The unit of time of the parameters.")] = Unit.week,
    horizon: Annotated[float, typer.Option(help="Months that a value looks ahead.")] = 12.0,
    discount: Annotated[float, typer.Option(help="A year; of contracts, a period.")] = 0.10,
    contracts: Annotated[
        bool, typer.Option("--contracts", help="Contracts: tenure, churned; or x, tx, n.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Fit BG/NBD, Pareto/NBD, MBG/NBD, NBD and Gamma-Gamma to a log of purchases.

    The columns may stand in any order under a header, or as customer, date, value without one; one
    purchase counts for each customer and day. A fit at a boundary is named, with what is used
    instead. A file of x, tx, T (and zbar) is a summary and fitted as it stands. With --contracts:
    sBG, from renewals asked for and whether the customer then left, or BG/BB, from x, tx, n.

    Examples:

        touchloop fit clv orders.csv

        touchloop fit clv CDNOW_sample.txt --calibration-end 1997-09-30 --json

        touchloop fit clv contracts.csv --contracts --discount 0.1
    """
    with result(as_json=as_json) as emit:
        runtime.setup_django()  # words in the reader's language
        from touchloop.insight.scores import api as scores

        try:
            if contracts:
                found = scores.fit_contracts(file, discount=discount)
            else:
                found = scores.fit_clv(
                    file,
                    calibration_end=calibration_end.date() if calibration_end else None,
                    unit=unit.value,
                    horizon_months=horizon,
                    discount=discount,
                )
        except Invalid as wrong:
            raise WrongSetting(f"fit clv: {wrong}") from None
        emit(found)
        if not as_json:
            _show(found)


def _show(found: dict[str, Any]) -> None:
    rows = []
    for name, model in found["models"].items():
        numbers = [
            f"{key} {value:.5f}" for key, value in model.items()
            if isinstance(value, float) and key not in ("log_likelihood", "mean", "correlation")
        ]  # fmt: skip
        used = " (in use)" if name == found.get("chosen") else ""
        rows.append([name + used, "  ".join(numbers), f"{model['log_likelihood']:,.4f}"])
    table(["Model", "Parameters", "Log-likelihood"], rows)
    if "value" not in found and "survival" not in found:
        show(f"{found['customers']:,} customers")
    elif "survival" in found:
        stay = found["survival"]
        show(
            f"{found['customers']:,} contracts; after 1, 3, 12 renewals"
            f" {stay[1]:.1%}, {stay[3]:.1%}, {stay[12]:.1%} stay; a new customer is worth"
            f" {found['newcomer_value']:.4f} payments"
        )
    else:
        _show_purchases(found)
    show(*found["words"])


def _show_purchases(found: dict[str, Any]) -> None:
    value = found["value"]
    show(
        f"{found['customers']:,} customers, {found['repeaters']:,} came again,"
        f" {found['transactions']:,} purchases",
        f"{value['orders']:,.1f} orders"
        + ("" if value["total"] is None else f" and {value['total']:,.2f}")
        + " expected in"
        f" {value['horizon_days']:,.0f} days ({value['discount_a_year']:.0%} a year)",
    )
    held = found.get("holdout")
    if held:
        naive = held["naive_own_rate"]
        correlation = "none" if held["correlation"] is None else f"{held['correlation']:.4f}"
        show(
            f"Held out {held['days']:,.0f} days: {held['expected']:,.1f} expected of"
            f" {held['actual']:,.0f}, correlation {correlation}, error {held['mae']:.3f}"
            f" (own rate: {naive['expected']:,.1f}, error {naive['mae']:.3f})"
        )
