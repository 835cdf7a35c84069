"""`fit`: the models on any file, so that anybody can hold them against a published table."""

from __future__ import annotations

import typer

from touchloop.cli import fit_churn, fit_clv, fit_uplift

app = typer.Typer(no_args_is_help=True, help="Fit a model on any file and print what was found.")
app.command("churn")(fit_churn.churn)
app.command("clv")(fit_clv.clv)
app.command("uplift")(fit_uplift.uplift)


@app.callback()
def fit() -> None:
    """Fit a model on any file and print what was found."""
