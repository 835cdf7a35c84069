"""`fit churn`: who leaves, learned from any file by the very code that scores customers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from touchloop.cli import runtime
from touchloop.cli.output import result, show, table
from touchloop.core.errors import Invalid, WrongSetting


def churn(
    file: Annotated[Path, typer.Argument(help="A CSV with one row for each customer or visit.")],
    target: Annotated[str, typer.Option(help="The column that says what came of it.")],
    positive: Annotated[str | None, typer.Option(help="The value that means yes.")] = None,
    id: Annotated[str | None, typer.Option(help="The column that says whose row it is.")] = None,
    time: Annotated[
        str | None, typer.Option(help="The column with the prediction time: judged out of time.")
    ] = None,
    after: Annotated[
        str, typer.Option(help="Columns known only after the outcome, separated by commas.")
    ] = "",
    keep: Annotated[
        str, typer.Option(help="Columns that look like a leak and are none, as you vouch.")
    ] = "",
    folds: Annotated[int, typer.Option(min=2, max=50, help="Parts when no time is given.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="What chance begins with.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Learn an outcome from any CSV: a logit and trees side by side, calibrated, beside baselines.

    Ids, constants and what is known only after the outcome are refused, with the reason.

    Examples:

        touchloop fit churn Telco-Customer-Churn.csv --target Churn

        touchloop fit churn visits.csv --target revenue --positive yes --json

        touchloop fit churn contracts.csv --target left --id customer --time as_of --after reason
    """
    with result(as_json=as_json) as emit:
        runtime.setup_django()  # words in the reader's language
        from touchloop.insight.scores import api as scores

        try:
            found = scores.fit_churn_file(
                file,
                target=target,
                positive=positive,
                id=id,
                time=time,
                after=_listed(after),
                keep=_listed(keep),
                folds=folds,
                seed=seed,
            )
        except Invalid as error:
            raise WrongSetting(f"{file}: {error}") from error
        emit(found)
        if not as_json:
            _show(found)


def _listed(names: str) -> list[str]:
    return [name.strip() for name in names.split(",") if name.strip()]


def _show(found: dict[str, Any]) -> None:
    show(
        f"{found['rows']:,} rows, {found['positives']:,} with {found['target']} ="
        f" {found['positive']} ({found['rate']:.2%}); {found['validation']}"
    )
    rows = [
        [
            name + (" (in use)" if name == found["chosen"] else ""),
            f"{m['auc']:.4f} ({m['auc_low']:.4f} to {m['auc_high']:.4f})",
            f"{m['ap']:.3f}",
            f"{m['lift_10']:.2f}",
            f"{m['brier']:.4f}",
            m["calibrated_by"],
        ]
        for name, m in found["models"].items()
    ]
    most, single = found["baseline"]["majority_class"], found["baseline"]["best_single_feature"]
    rows.append(["majority class", "0.5000", "", "1.00", f"{most['brier']:.4f}", ""])
    rows.append([f"{single['name']} alone", f"{single['auc']:.4f}", "", "", "", ""])
    table(["Model", "AUC", "AP", "Lift at 10 %", "Brier", "Calibrated by"], rows)
    features = found["features"]
    show(f"Used: {', '.join(features['used'])}")
    show(*(f"Refused: {each['name']}: {each['reason']}" for each in features["refused"]))
    show(*found["words"])
